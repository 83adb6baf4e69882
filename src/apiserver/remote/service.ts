import { Agent as PlainAgent, request as requestHttp } from 'node:http';
import { Agent, type RequestOptions, request as requestHttps } from 'node:https';
import { boundedText } from '../../base/bounded-text.ts';
import { goDuration } from '../../base/duration.ts';
import type { HttpTransportOptions } from '../../client/http-transport.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { posting } from '../metrics/rest-client.ts';
import { dialError, refusalText } from './go-client.ts';

/** A service outside that answers JSON with JSON, as a kubeconfig file describes it. */
export interface RemoteService {
  /** POSTs to the URL of the file, with how long an answer may take. Throws Error as Go's client words it. */
  post(body: object): Promise<unknown>;
  close(): void;
}

/** An answer that is worth asking again for. */
class Transient extends Error {}

const answerLimit = 8 * 1024 * 1024;
/** Upstream's retries of its webhooks for authentication and authorization: five in all, half a second and growing. */
const retry = { times: 5, firstMs: 500, factor: 1.5, jitter: 0.2 };

function statusError(status: number, text: string): Error {
  const shown = refusalText(status, text);
  return status >= 500 || status === 429 ? new Transient(shown) : new Error(shown);
}

export async function openRemoteService(options: {
  kubeconfig: string;
  timeoutMs: number;
  userAgent?: string;
}): Promise<RemoteService> {
  const at = await loadKubeconfig(options.kubeconfig);
  return createRemoteService({ ...options, at });
}

export function createRemoteService(options: {
  at: HttpTransportOptions;
  timeoutMs: number;
  userAgent?: string;
}): RemoteService {
  const { at, timeoutMs } = options;
  const url = new URL(at.server);
  url.searchParams.set('timeout', goDuration(timeoutMs));
  const secure = url.protocol === 'https:';
  let agent: Agent | PlainAgent | undefined;

  const openAgent = async (): Promise<Agent | PlainAgent> => {
    if (agent) return agent;
    if (!secure) agent = new PlainAgent({ keepAlive: true });
    else {
      const pair = await at.certificate?.();
      agent = new Agent({
        keepAlive: true,
        rejectUnauthorized: !at.insecureSkipVerify,
        ...(at.ca ? { ca: at.ca } : {}),
        ...(at.serverName ? { servername: at.serverName } : {}),
        ...(pair ? { cert: pair.cert, key: pair.key } : {}),
      });
    }
    return agent;
  };

  const once = async (text: string): Promise<unknown> => {
    const token = await at.token?.();
    const how: RequestOptions = {
      method: 'POST',
      agent: await openAgent(),
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        accept: 'application/json, */*',
        'user-agent': options.userAgent ?? 'kube-apiserver',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    };
    const posted = posting(url.host, Buffer.byteLength(text));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const failed = (error: NodeJS.ErrnoException): void => {
      posted.failed();
      const late = error.name === 'AbortError' || error.name === 'TimeoutError';
      const why = late
        ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        : dialError(error, url.host);
      const told = `Post ${JSON.stringify(url.href)}: ${why}`;
      reject(error.code === 'ECONNRESET' ? new Transient(told) : new Error(told));
    };
    const outgoing = (secure ? requestHttps : requestHttp)(url, how, (answer) => {
      boundedText(answer, answerLimit).then((received) => {
        const status = answer.statusCode ?? 0;
        posted.answered(status, Buffer.byteLength(received));
        if (status < 200 || status > 299) return reject(statusError(status, received));
        try {
          resolve(JSON.parse(received));
        } catch {
          reject(new Error(`couldn't get version/kind; json parse error: the answer is no JSON`));
        }
      }, failed);
    });
    outgoing.on('error', failed);
    outgoing.end(text);
    return promise;
  };

  return {
    async post(body) {
      const text = JSON.stringify(body);
      for (let turn = 1, wait = retry.firstMs; ; turn++, wait *= retry.factor) {
        try {
          return await once(text);
        } catch (error) {
          if (!(error instanceof Transient) || turn >= retry.times) throw error;
          await new Promise((resolve) => setTimeout(resolve, wait * (1 + Math.random() * retry.jitter)).unref());
        }
      }
    },
    close: () => agent?.destroy(),
  };
}
