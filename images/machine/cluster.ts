import { stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { parse } from 'yaml';
import { delay } from '../../src/base/abort.ts';
import { KnarrError, messageOf } from '../../src/base/errors.ts';
import type { Machine } from './machine.ts';

/** What an administrator's kubeconfig gives to talk to the API. */
interface Access {
  port: number;
  ca?: string;
  cert?: string;
  key?: string;
}

/** GET of a path of the API; the certificate is that of the loopback address which the port is forwarded from. */
function get(access: Access, path: string): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const { port, ca, cert, key } = access;
  const tls = ca === undefined ? { rejectUnauthorized: false } : { ca, cert, key };
  const sent = request({ host: '127.0.0.1', port, path, agent: false, timeout: 15_000, ...tls }, (response) => {
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => parts.push(part));
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }));
    response.on('error', reject);
  });
  sent.on('timeout', () => sent.destroy(new Error('no answer')));
  sent.on('error', reject).end();
  return promise;
}

/** Tries `attempt` until it gives something; what it throws or says last is why it took too long. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  attempt: () => Promise<T | undefined>,
  options: { everyMs?: number; machine?: Machine } = {},
): Promise<T> {
  const end = Date.now() + timeoutMs;
  let last = '';
  while (Date.now() < end) {
    try {
      const result = await attempt();
      if (result !== undefined) return result;
    } catch (error) {
      last = messageOf(error);
    }
    if (options.machine !== undefined && !(await options.machine.running()))
      throw new KnarrError({
        code: 'machine-gone',
        blame: 'world',
        message: `the machine ended while waiting for ${what}`,
      });
    await delay(options.everyMs ?? 500);
  }
  throw new KnarrError({
    code: 'timeout',
    blame: 'world',
    message: `${what}: not within ${timeoutMs / 1000} s${last === '' ? '' : ` (${last})`}`,
  });
}

/** Resolves when the API server listens: it answers, if only to say that it does not know who asks. */
export function apiAnswers(machine: Machine, timeoutMs: number): Promise<true> {
  const ask = async (): Promise<true | undefined> =>
    (await get({ port: machine.ports.api }, '/readyz')).status > 0 ? true : undefined;
  return until('the API', timeoutMs, ask, { machine });
}

/** Fetches the administrator's kubeconfig, made to fit the forwarded port; gives its path on this machine. */
export async function fetchKubeconfig(machine: Machine, timeoutMs: number): Promise<string> {
  const read = async (): Promise<string | undefined> => {
    const { stdout } = await machine.ssh('sudo cat /etc/rancher/k3s/k3s.yaml');
    return stdout.includes('client-key-data') ? stdout : undefined;
  };
  const text = await until('the kubeconfig', timeoutMs, read, { machine, everyMs: 1000 });
  const path = join(machine.folder, 'kubeconfig.yaml');
  await writeFile(path, text.replace(/https:\/\/127\.0\.0\.1:6443/g, `https://127.0.0.1:${machine.ports.api}`), {
    mode: 0o600,
  });
  return path;
}

interface NodeList {
  items: {
    metadata: { name: string };
    status?: { conditions?: { type: string; status: string; message?: string; lastHeartbeatTime: string }[] };
  }[];
}

/** Resolves when that many nodes are Ready, and have said so since the machine was started: not in an earlier life. */
export async function nodesReady(
  machine: Machine,
  kubeconfig: string,
  count: number,
  timeoutMs: number,
): Promise<void> {
  const config = parse(kubeconfig);
  const decode = (data: string): string => Buffer.from(data, 'base64').toString();
  const user = config.users[0].user;
  const access: Access = {
    port: machine.ports.api,
    ca: decode(config.clusters[0].cluster['certificate-authority-data']),
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
  };
  // to the second, as the API writes times
  const started = Math.floor((await stat(join(machine.folder, 'pid'))).mtimeMs / 1000) * 1000;
  await until(
    `${count} ready nodes`,
    timeoutMs,
    async () => {
      const { status, body } = await get(access, '/api/v1/nodes');
      if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 200)}`);
      const ready = (JSON.parse(body) as NodeList).items.map((item) =>
        item.status?.conditions?.find((c) => c.type === 'Ready'),
      );
      const now = ready.filter((c) => c !== undefined && Date.parse(c.lastHeartbeatTime) >= started);
      if (now.filter((condition) => condition?.status === 'True').length >= count) return true;
      throw new Error(
        `${ready.length} nodes, ${now.length} heard of since the start; ${ready.map((c) => c?.message ?? 'no condition').join('; ')}`,
      );
    },
    // where nothing but emulation is, each question costs what it waits for
    { machine, everyMs: 1_000 },
  );
}
