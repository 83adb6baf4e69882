import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build, clone } from '../../images/tools/paths.ts';
import type { ConfigMap } from '../../src/api/gen/core-v1.ts';
import { configmaps, namespaces } from '../../src/api/gen/resources.ts';
import { isApiError } from '../../src/api/status.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createHttpTransport } from '../../src/client/http-transport.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';
import { freePort, untilReady } from '../bench/control-plane.ts';
import { testFolder } from '../harness/folder.ts';

/** When in its life the server is killed; the rounds take them in turn. */
const moments = ['writing', 'writing', 'starting', 'writing', 'stopping'] as const;

type Moment = (typeof moments)[number];

const writers = 8;
const namesOfEach = 12;
const namespace = 'killed';
const mostMs = { writing: 1_500, starting: 900, stopping: 60 } satisfies Record<Moment, number>;

/** What is known of one object: the last write that was acknowledged, and one that may or may not have come through. */
interface Known {
  value: string | undefined;
  revision: number;
  /** `undefined` in it: a deletion. */
  attempt: { value: string | undefined } | undefined;
}

export interface KilledResult {
  readonly kills: number;
  readonly acknowledged: number;
}

const revisionOf = (object: ConfigMap): number => Number(object.metadata.resourceVersion);

/** One write of one object, on the record before and after it. */
async function writeOne(client: Client, name: string, known: Known, value: string): Promise<void> {
  const remove = known.value !== undefined && Math.random() < 0.1;
  known.attempt = { value: remove ? undefined : value };
  if (remove) {
    await client.delete(configmaps, name, { namespace });
    Object.assign(known, { value: undefined, attempt: undefined });
    return;
  }
  const object = { metadata: { name, namespace }, data: { value } };
  const written =
    known.value === undefined
      ? await client.create(configmaps, object, { namespace })
      : await client.patch(configmaps, name, { type: 'merge', body: { data: { value } } }, { namespace });
  Object.assign(known, { value, revision: revisionOf(written), attempt: undefined });
}

/** Throws where what stands is neither what was acknowledged last nor what was under way. */
function compare(name: string, known: Known, found: ConfigMap | undefined): void {
  const value = found?.data?.value;
  const expected = known.value === undefined ? 'nothing' : `${known.value} at ${known.revision}`;
  const is = found === undefined ? 'nothing' : `${value} at ${found.metadata.resourceVersion}`;
  const stands = value === known.value && (found === undefined || revisionOf(found) === known.revision);
  const came = known.attempt !== undefined && value === known.attempt.value;
  if (!stands && !came) throw new Error(`${name}: ${expected} was acknowledged, there is ${is}`);
  if (found !== undefined && revisionOf(found) < known.revision) throw new Error(`${name} went back to ${is}`);
}

/**
 * Kills the server with SIGKILL `rounds` times, at random moments, while eight clients write, and looks every time
 * whether all that was acknowledged is there. Throws with what is not.
 */
export async function killServer(rounds: number, say: (text: string) => void = () => {}): Promise<KilledResult> {
  const folder = await testFolder('killed');
  const kubeconfig = join(folder, 'kubeconfig');
  const port = await freePort();
  const all = new Map<string, Known>();
  let acknowledged = 0;
  let highest = 0;
  let serial = 0;
  let server: ChildProcess | undefined;

  const start = (): ChildProcess => {
    const args = [
      ...['server', '--disable-agent', '--data-dir', folder, '--https-listen-port', String(port)],
      ...['--bind-address', '127.0.0.1', '--write-kubeconfig', kubeconfig, '--log', join(folder, 'log')],
    ];
    const env = { ...process.env, NODE_COMPILE_CACHE: join(build, 'test/compiled') };
    return spawn(process.execPath, [join(clone, 'src/cli/main.ts'), ...args], { stdio: 'ignore', env });
  };
  const dead = async (child: ChildProcess): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  const ready = async (child: ChildProcess): Promise<Client & { close(): void }> => {
    await untilReady(port, () => (child.exitCode === null ? undefined : 'the server ended by itself'));
    while ((await readFile(kubeconfig).catch(() => undefined)) === undefined) await sleep(5);
    const transport = createHttpTransport(await loadKubeconfig(kubeconfig));
    return Object.assign(createClient(transport), { close: () => transport.close() });
  };

  /** Compares, and takes what is there as the state from now on. */
  const check = async (client: Client): Promise<void> => {
    const list = await client.list(configmaps, { namespace });
    const found = new Map(list.items.map((item) => [item.metadata.name ?? '', item]));
    for (const [name, known] of all) {
      const object = found.get(name);
      compare(name, known, object);
      Object.assign(known, { value: object?.data?.value, attempt: undefined });
      if (object) known.revision = revisionOf(object);
      highest = Math.max(highest, known.revision);
    }
  };
  const writer = async (client: Client, index: number, over: () => boolean): Promise<void> => {
    while (!over()) {
      const name = `w${index}-${Math.floor(Math.random() * namesOfEach)}`;
      const known: Known = all.get(name) ?? { value: undefined, revision: 0, attempt: undefined };
      all.set(name, known);
      const before = known.revision;
      await writeOne(client, name, known, `${++serial}`);
      if (known.revision !== before && known.revision <= highest)
        throw new Error(`revision ${known.revision} was given out before the server was killed`);
      acknowledged++;
    }
  };

  const round = async (moment: Moment): Promise<void> => {
    if (moment === 'starting') {
      const child = start();
      server = child;
      await sleep(Math.random() * mostMs.starting);
      await dead(child);
    }
    const child = start();
    server = child;
    const client = await ready(child);
    try {
      await client.create(namespaces, { metadata: { name: namespace } }).catch((error: unknown) => {
        if (!isApiError(error, 'AlreadyExists')) throw error;
      });
      await check(client);
      let over = false;
      const failures: unknown[] = [];
      const writing = Array.from({ length: writers }, (_, i) =>
        writer(client, i, () => over).catch((error: unknown) => {
          if (!over) failures.push(error);
        }),
      );
      await sleep(50 + Math.random() * mostMs.writing);
      if (moment === 'stopping') {
        over = true;
        child.kill('SIGTERM');
        await sleep(Math.random() * mostMs.stopping);
      }
      over = true;
      await dead(child);
      await Promise.all(writing);
      if (failures.length > 0) throw failures[0];
    } finally {
      client.close();
    }
  };

  try {
    for (let i = 0; i < rounds; i++) {
      const moment = moments[i % moments.length] as Moment;
      await round(moment);
      say(`${i + 1}: killed while ${moment}; ${acknowledged} writes acknowledged so far`);
    }
    const last = start();
    server = last;
    const client = await ready(last);
    await check(client);
    client.close();
    return { kills: rounds, acknowledged };
  } finally {
    if (server) await dead(server);
    await rm(folder, { recursive: true, force: true });
  }
}
