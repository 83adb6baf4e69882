import http from 'node:http';
import https from 'node:https';

export interface HttpTarget {
  scheme: string;
  host: string;
  port: number;
  path: string;
  headers: readonly { name: string; value: string }[];
}

export interface HttpAnswer {
  status: number;
  /** The first 10 KiB. */
  body: string;
  /** Where it points to, for a redirect. */
  location: string | undefined;
}

const maxBody = 10 * 1024;

export function urlOf(target: HttpTarget): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  const path = target.path.startsWith('/') ? target.path : `/${target.path}`;
  return `${target.scheme.toLowerCase()}://${host}:${target.port}${path}`;
}

/** One GET with a connection of its own; certificates are not checked. Rejects with `TimeoutError` when it takes longer. */
export function httpGet(target: HttpTarget, timeoutMs: number, userAgent: string): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const headers: Record<string, string> = { 'User-Agent': userAgent, Accept: '*/*', Connection: 'close' };
  for (const { name, value } of target.headers) {
    const lower = Object.keys(headers).find((k) => k.toLowerCase() === name.toLowerCase());
    if (lower) delete headers[lower];
    if (value !== '' || !['accept', 'user-agent'].includes(name.toLowerCase())) headers[name] = value;
  }
  const client = target.scheme.toUpperCase() === 'HTTPS' ? https : http;
  const timer = setTimeout(() => {
    const error = new Error(
      `Get ${JSON.stringify(urlOf(target))}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    );
    error.name = 'TimeoutError';
    request.destroy(error);
  }, timeoutMs);
  const request = client.request(
    urlOf(target),
    { method: 'GET', headers, agent: false, ...(client === https ? { rejectUnauthorized: false } : {}) },
    (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      const finish = (): void => {
        clearTimeout(timer);
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(parts).subarray(0, maxBody).toString(),
          location: response.headers.location,
        });
        response.destroy();
      };
      response.on('data', (chunk: Buffer) => {
        parts.push(chunk);
        size += chunk.length;
        if (size >= maxBody) finish();
      });
      response.on('end', finish);
      response.on('error', finish);
    },
  );
  request.on('error', (error) => {
    clearTimeout(timer);
    reject(
      error.name === 'TimeoutError'
        ? error
        : new Error(`Get ${JSON.stringify(urlOf(target))}: ${goDialError(error, target)}`),
    );
  });
  request.end();
  return promise;
}

const dialTexts: Record<string, string> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
  ECONNRESET: 'read: connection reset by peer',
};

/** A connection's failure as upstream prints it; people and tests look for these words. */
export function goDialError(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): string {
  const text = dialTexts[error.code ?? ''];
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  if (error.code === 'ECONNRESET') return text ?? '';
  return text === undefined ? error.message : `dial tcp ${address}: ${text}`;
}
