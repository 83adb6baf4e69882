import { request as httpRequest } from 'node:http';
import type { WebhookClientConfig } from '../../../api/gen/admissionregistration-v1.ts';
import { boundedText } from '../../../base/bounded-text.ts';
import { connectTo, type Target, type TlsToTarget } from '../../connect/backend-connection.ts';
import { serviceProxyTarget } from '../../connect/proxy-targets.ts';
import type { Registry } from '../../registry/types.ts';
import type { Dialer } from '../../server.ts';

interface Place {
  readonly target: Target;
  readonly path: string;
  /** As messages show it. */
  readonly url: string;
}

/** The most bytes of an answer that are read. */
const answerLimit = 8 * 1024 * 1024;

/** How a webhook's certificate is checked: always, if not by its own authority then by those that the system trusts. */
export const trustOf = (config: WebhookClientConfig): Pick<TlsToTarget, 'ca' | 'withoutCa'> =>
  config.caBundle ? { ca: Buffer.from(config.caBundle, 'base64').toString() } : { withoutCa: 'system' };

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
  const { target } = await serviceProxyTarget(registry, namespace, id, { own: true });
  const host = `${name}.${namespace}.svc`;
  return {
    target: { ...target, tls: { ...trustOf(config), name: host } },
    path,
    url: `https://${host}:${port}${path}`,
  };
}

/** POSTs a JSON body to where a client configuration points, and gives the JSON answer. */
export async function callWebhook(
  options: { registry: Registry; dial: Dialer },
  config: WebhookClientConfig,
  body: object,
  timeoutSeconds: number,
): Promise<unknown> {
  const place = await placeOf(options.registry, config);
  const shown = `failed to call webhook: Post "${place.url}?timeout=${timeoutSeconds}s"`;
  const text = JSON.stringify(body);
  const path = `${place.path}${place.path.includes('?') ? '&' : '?'}timeout=${timeoutSeconds}s`;
  const connection = await connectTo(options.dial, place.target);
  try {
    return await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${shown}: context deadline exceeded`)), timeoutSeconds * 1000);
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        settle();
      };
      const outgoing = httpRequest(
        {
          createConnection: () => connection,
          method: 'POST',
          path,
          headers: {
            host: new URL(place.url).host,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
            accept: 'application/json, */*',
            'user-agent': 'kube-apiserver-admission',
          },
        },
        (answer) => {
          boundedText(answer, answerLimit).then(
            (received) =>
              finish(() => {
                const status = answer.statusCode ?? 0;
                if (status < 200 || status > 299)
                  return reject(
                    new Error(`the server returned an unexpected status ${status}: ${received.slice(0, 200)}`),
                  );
                try {
                  resolve(JSON.parse(received));
                } catch (error) {
                  reject(new Error(`couldn't decode the answer: ${(error as Error).message}`));
                }
              }),
            (error: Error) => finish(() => reject(new Error(`${shown}: ${error.message}`))),
          );
        },
      );
      outgoing.on('error', (error) => finish(() => reject(new Error(`${shown}: ${error.message}`))));
      outgoing.end(text);
    });
  } finally {
    connection.destroy();
  }
}
