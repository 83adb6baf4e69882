import { Agent, request } from 'node:https';
import { setTimeout } from 'node:timers/promises';
import { parseExact } from '../../src/base/exact-json.ts';
import type { Step } from './steps.ts';

export interface Answer {
  code: number;
  type: string;
  warnings: string[];
  body: unknown;
}

export interface Server {
  send(step: Step): Promise<Answer>;
  close(): void;
}

/** One value, or those of a watch, one a line. */
function parsed(text: string): unknown {
  try {
    return parseExact(text === '' ? 'null' : text);
  } catch {
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  }
}

/** A server under comparison: `url` like `https://127.0.0.1:6443`, reached with a bearer token, its certificate not checked. */
export function createServer(options: { url: string; token: string }): Server {
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: 8 });
  return {
    send(step) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const body =
        step.body === undefined ? undefined : typeof step.body === 'string' ? step.body : JSON.stringify(step.body);
      const outgoing = request(new URL(step.path, options.url), {
        agent,
        method: step.method,
        timeout: 30_000,
        headers: {
          authorization: `Bearer ${options.token}`,
          accept: step.accept ?? 'application/json',
          'user-agent': 'differential',
          ...(body === undefined
            ? {}
            : { 'content-type': step.contentType ?? 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${step.id}: no answer in 30 s`)));
      outgoing.on('error', reject);
      outgoing.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (c: Buffer) => chunks.push(c));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const type = response.headers['content-type'] ?? '';
          const warning = response.headers.warning;
          resolve({
            code: response.statusCode ?? 0,
            type,
            warnings: warning === undefined ? [] : [warning].flat(),
            body: type.includes('json') ? parsed(text) : text,
          });
        });
      });
      outgoing.end(body);
      return promise;
    },
    close: () => agent.destroy(),
  };
}

/** Sends every step in order, the independent ones (dry runs) eight at a time. */
export async function sendAll(
  server: Server,
  steps: readonly Step[],
  onProgress: (done: number) => void,
  options: { settleMs?: number } = {},
): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  let at = 0;
  while (at < steps.length) {
    let end = at + 1;
    if (isIndependent(steps[at])) while (end < steps.length && end - at < 8 && isIndependent(steps[end])) end++;
    await Promise.all(steps.slice(at, end).map(async (step) => answers.set(step.id, await server.send(step))));
    const until = steps[at]?.until;
    if (until) await waitFor(server, until);
    if (steps[at]?.settle && options.settleMs) await setTimeout(options.settleMs);
    at = end;
    onProgress(at);
  }
  return answers;
}

/** Controllers write what the next answers show, some milliseconds after the request: waits until it is there. */
async function waitFor(server: Server, { path, condition }: NonNullable<Step['until']>): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { code, body } = await server.send({ id: `wait for ${path}`, method: 'GET', path });
    const { conditions } = (body as { status?: { conditions?: { type: string }[] | null } }).status ?? {};
    if (condition === 'gone' ? code === 404 : conditions?.some(({ type }) => type === condition)) return;
    if (Date.now() > deadline) throw new Error(`${path}: ${condition} did not come within 20 s`);
    await setTimeout(50);
  }
}

const isIndependent = (step: Step | undefined): boolean => step?.id.includes(' wrong: ') ?? false;
