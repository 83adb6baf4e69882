import { request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { notKinded } from '../../../api/decode.ts';
import type { WebhookClientConfig } from '../../../api/gen/admissionregistration-v1.ts';
import { jsonSyntaxError } from '../../../api/json-syntax.ts';
import { isApiError } from '../../../api/status.ts';
import { boundedText } from '../../../base/bounded-text.ts';
import { messageOf } from '../../../base/errors.ts';
import { parseExact } from '../../../base/exact-json.ts';
import { connectTo, type Target, type TlsToTarget } from '../../connect/backend-connection.ts';
import { serviceProxyTarget } from '../../connect/proxy-targets.ts';
import { posting } from '../../metrics/rest-client.ts';
import type { Registry } from '../../registry/types.ts';
import { dialError, isStatus, refusalText } from '../../remote/go-client.ts';
import type { Dialer } from '../../server.ts';

interface Place {
  readonly target: Target;
  readonly path: string;
  readonly url: string;
}

/** The most bytes of an answer that are read. */
const answerLimit = 8 * 1024 * 1024;

/** How a webhook's certificate is checked: always, if not by its own authority then by those that the system trusts. */
export const trustOf = (config: WebhookClientConfig): Pick<TlsToTarget, 'ca' | 'withoutCa'> =>
  config.caBundle ? { ca: Buffer.from(config.caBundle, 'base64').toString() } : { withoutCa: 'system' };

/** As messages show it. */
function urlOf({ url, service }: WebhookClientConfig): string {
  if (url !== undefined) return url;
  const { name = '', namespace = '', port = 443, path } = service ?? {};
  return `https://${name}.${namespace}.svc:${port}${path || '/'}`;
}

async function placeOf(registry: Registry, config: WebhookClientConfig): Promise<Place> {
  if (config.url !== undefined) {
    const url = new URL(config.url);
    const target = {
      host: url.hostname,
      port: Number(url.port || 443),
      tls: { ...trustOf(config), name: url.hostname },
    };
    return { target, path: `${url.pathname}${url.search}`, url: config.url };
  }
  const { name = '', namespace = '', port = 443 } = config.service ?? {};
  const path = config.service?.path || '/';
  const id = { scheme: 'https' as const, name, port: String(port) };
  const { target } = await serviceProxyTarget(registry, namespace, id, { own: true }).catch((error) => {
    throw isApiError(error, 'NotFound') ? new Error(`service ${JSON.stringify(name)} not found`) : error;
  });
  const tls = { ...trustOf(config), name: `${name}.${namespace}.svc` };
  return { target: { ...target, tls }, path, url: urlOf(config) };
}

/** What lies at the bottom of an error, where system errors have their codes. */
function rootOf(error: unknown): Error {
  const { cause } = error as Error;
  return cause instanceof Error ? rootOf(cause) : (error as Error);
}

/** A connection to the place; what fails is told in Go's words. */
async function connectionTo(options: CallOptions, config: WebhookClientConfig): Promise<[Duplex, Place]> {
  const place = await placeOf(options.registry, config);
  const { host, port } = place.target;
  try {
    return [await connectTo(options.dial, place.target), place];
  } catch (error) {
    const { hostname } = new URL(place.url);
    const at = config.url === undefined ? `${host}:${port}` : `${hostname}:${port}`;
    throw new Error(dialError(rootOf(error), at));
  }
}

function valueIn(received: string, status: number): unknown {
  if (received === '')
    throw new Error(`0-length response with status code: ${status} and content type: application/json`);
  let value: unknown;
  try {
    value = parseExact(received);
  } catch (error) {
    // What does not begin as JSON is read as YAML: a text.
    const isJson = received.trimStart().startsWith('{');
    const why = isJson ? (jsonSyntaxError(received) ?? messageOf(error)) : notKinded(received);
    throw new Error(`couldn't get version/kind; json parse error: ${why}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`couldn't get version/kind; json parse error: ${notKinded(value)}`);
  return value;
}

const isText = (type = ''): boolean => type === '' || type.startsWith('text/');

interface CallOptions {
  readonly registry: Registry;
  readonly dial: Dialer;
}

/** POSTs a JSON body to where a client configuration points, and gives the JSON answer. Throws as Go's client words it. */
export async function callWebhook(
  options: CallOptions,
  config: WebhookClientConfig,
  body: object,
  timeoutSeconds: number,
): Promise<unknown> {
  const query = `timeout=${timeoutSeconds}s`;
  const posted = (why: string): Error => new Error(`Post "${urlOf(config)}?${query}": ${why}`);
  const text = JSON.stringify(body);
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), timeoutSeconds * 1000);
  const late = new Promise<never>((_, reject) => {
    over.signal.onabort = () => reject(posted('context deadline exceeded'));
  });
  const connecting = connectionTo(options, config);
  // Whoever no longer waits for it does not leave it open.
  connecting.then(
    ([connection]) => over.signal.aborted && connection.destroy(),
    () => undefined,
  );
  let connection: Duplex | undefined;
  try {
    const [opened, place] = await Promise.race([
      connecting.catch((error) => {
        throw posted(messageOf(error));
      }),
      late,
    ]);
    connection = opened;
    const path = `${place.path}${place.path.includes('?') ? '&' : '?'}${query}`;
    const answered = exchange(opened, { path, host: new URL(place.url).host, text, posted });
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
    connection?.destroy();
  }
}

function exchange(
  connection: Duplex,
  asked: { path: string; host: string; text: string; posted: (why: string) => Error },
): Promise<unknown> {
  const { path, host, text, posted } = asked;
  const noted = posting(host, Buffer.byteLength(text));
  return new Promise((resolve, reject) => {
    const headers = {
      host,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      accept: 'application/json, */*',
      'user-agent': 'kube-apiserver-admission',
    };
    const outgoing = httpRequest({ createConnection: () => connection, method: 'POST', path, headers }, (answer) => {
      boundedText(answer, answerLimit).then(
        (received) => {
          const status = answer.statusCode ?? 0;
          noted.answered(status, Buffer.byteLength(received));
          const said = isText(answer.headers['content-type']) || isStatus(received) ? received : '';
          if (status < 200 || status > 206) return reject(new Error(refusalText(status, said)));
          try {
            resolve(valueIn(received, status));
          } catch (error) {
            reject(error as Error);
          }
        },
        (error: Error) => reject(posted(error.message)),
      );
    });
    outgoing.on('error', (error) => {
      noted.failed();
      reject(posted(dialError(error, host)));
    });
    outgoing.end(text);
  });
}
