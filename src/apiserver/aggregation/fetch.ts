import { request } from 'node:http';
import { connectTo, type Target } from '../connect/backend-connection.ts';
import type { Dialer } from '../server.ts';

/** GETs JSON from an aggregated server. Rejects with what kept it from answering well. */
export async function fetchJson(
  dial: Dialer,
  target: Target,
  path: string,
  headers: Record<string, string | string[]>,
  timeoutMs = 5_000,
): Promise<unknown> {
  const connection = await connectTo(dial, target);
  try {
    return await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('context deadline exceeded')), timeoutMs);
      const outgoing = request(
        {
          createConnection: () => connection,
          path,
          headers: { host: target.tls?.name ?? target.host, accept: 'application/json', ...headers },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            clearTimeout(timer);
            const text = Buffer.concat(chunks).toString();
            const status = answer.statusCode ?? 0;
            if (status < 200 || status > 299)
              return reject(new Error(`bad status from https://${target.host}:${target.port}${path}: ${status}`));
            try {
              resolve(JSON.parse(text));
            } catch (error) {
              reject(error);
            }
          });
        },
      );
      outgoing.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      outgoing.end();
    });
  } finally {
    connection.destroy();
  }
}
