import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { connectTo, type Target } from '../connect/backend-connection.ts';
import type { Dialer } from '../server.ts';

export interface Question {
  readonly dial: Dialer;
  readonly target: Target;
  readonly method?: string | undefined;
  /** Path and query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly contentType?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One request of the API server's own to an aggregated server; the connection goes when the answer ends. */
export async function ask(question: Question): Promise<IncomingMessage> {
  const { target, signal } = question;
  const body = question.body === undefined ? undefined : Buffer.from(JSON.stringify(question.body));
  signal?.throwIfAborted();
  const connection = await connectTo(question.dial, target);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      connection.destroy();
      reject(error);
    };
    const outgoing = request({
      createConnection: () => connection,
      method: question.method ?? 'GET',
      path: question.path,
      ...(signal ? { signal } : {}),
      headers: {
        host: target.tls?.name ?? target.host,
        accept: 'application/json',
        ...(body ? { 'content-type': question.contentType ?? 'application/json', 'content-length': body.length } : {}),
        ...question.headers,
      },
    });
    outgoing.on('error', fail);
    outgoing.once('response', (answer) => {
      answer.once('close', () => connection.destroy());
      resolve(answer);
    });
    outgoing.end(body);
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** The status and the JSON (or text) of the answer, whatever the status. */
export async function askWhole(question: Question): Promise<{ status: number; body: unknown }> {
  const answer = await ask(question);
  const text = await textOf(answer);
  const isJson = (answer.headers['content-type'] ?? '').includes('json');
  return { status: answer.statusCode ?? 0, body: isJson ? JSON.parse(text) : text };
}

/** GETs JSON. Rejects with what kept the server from answering well. */
export async function fetchJson(question: Question, timeoutMs = 5_000): Promise<unknown> {
  const { target, path } = question;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const { status, body } = await askWhole({ ...question, signal });
    if (status < 200 || status > 299)
      throw new Error(`bad status from https://${target.host}:${target.port}${path}: ${status}`);
    return body;
  } catch (error) {
    throw signal.aborted ? new Error('context deadline exceeded') : error;
  }
}
