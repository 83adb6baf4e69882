import { readFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { KnarrError, messageOf, systemCode } from '../../base/errors.ts';
import { parseToken } from '../../pki/token.ts';
import type { Paths } from '../paths.ts';

/** Speaks to a server as another server does. */
export interface SupervisorClient {
  get(path: string): Promise<string>;
  put(path: string, body: object, timeoutMs?: number): Promise<void>;
}

async function fileOf(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new KnarrError({
      code: 'no-server',
      blame: 'user',
      message: `there is no ${what} at ${path}: run this on a server, or give --data-dir`,
    });
  }
}

/** By the token and the authority in this machine's data folder, where no other token is given. */
export async function localSupervisor(options: {
  paths: Paths;
  server: string;
  token: string | undefined;
}): Promise<SupervisorClient> {
  const { paths, server } = options;
  const token = parseToken((options.token ?? (await fileOf(paths.server.token, 'token'))).trim());
  const ca = await fileOf(join(paths.server.tls, 'server-ca.crt'), 'authority');
  const authorization = `Basic ${Buffer.from(`server:${token.password}`).toString('base64')}`;

  const send = (method: string, path: string, body: string | undefined, timeoutMs: number): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const failed = (why: string): void =>
      reject(new KnarrError({ code: 'server-answer', blame: 'world', message: `${server}: ${why}` }));
    const outgoing = httpsRequest(
      new URL(path, server),
      { method, ca, agent: false, headers: { authorization }, timeout: timeoutMs },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', (error) => failed(error.message));
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (answer.statusCode === 200) resolve(text);
          else failed(text.trim() || `it answers ${answer.statusCode}`);
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    outgoing.on('error', (error) => failed(messageOf(error)));
    outgoing.end(body);
    return promise;
  };
  return {
    get: (path) => send('GET', path, undefined, 10_000),
    async put(path, body, timeoutMs = 10_000) {
      await send('PUT', path, JSON.stringify(body), timeoutMs);
    },
  };
}
