import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { WebhookClientConfig } from '../../../api/gen/admissionregistration-v1.ts';
import { boundedText } from '../../../base/bounded-text.ts';
import { connectTo, type Target, type TlsToTarget } from '../../connect/backend-connection.ts';
import { serviceProxyTarget } from '../../connect/proxy-targets.ts';
import type { AdmissionAttributes, Registry } from '../../registry/types.ts';
import type { Dialer } from '../../server.ts';

export interface AdmissionResponse {
  readonly allowed?: boolean;
  readonly status?: { message?: string; reason?: string; code?: number };
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: readonly string[];
}

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
  const { target } = await serviceProxyTarget(registry, namespace, id);
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

/**
 * The AdmissionReview of a request, in the version `admission.k8s.io/v1`. `asked` is the request as it came, where the
 * webhook sees it under another name.
 */
export function admissionReview(a: AdmissionAttributes, asked = a): { uid: string; body: object } {
  const uid = randomUUID();
  const kind = a.kind;
  const resource = { group: a.group, version: a.version, resource: a.resource };
  const { user } = a.context;
  return {
    uid,
    body: {
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      request: {
        uid,
        kind,
        resource,
        ...(a.subresource ? { subResource: a.subresource, requestSubResource: a.subresource } : {}),
        requestKind: asked.kind,
        requestResource: { group: asked.group, version: asked.version, resource: asked.resource },
        ...(a.name || a.object?.metadata.name ? { name: a.name || a.object?.metadata.name } : {}),
        ...(a.namespace === '' ? {} : { namespace: a.namespace }),
        operation: a.operation,
        userInfo: {
          username: user.name,
          ...(user.uid ? { uid: user.uid } : {}),
          groups: user.groups,
          ...(user.extra ? { extra: user.extra } : {}),
        },
        object: a.object ?? null,
        oldObject: a.oldObject ?? null,
        dryRun: a.context.dryRun,
        options: Object.keys(a.options).length > 0 ? a.options : null,
      },
    },
  };
}

/** The response in an AdmissionReview; throws when it is not one, or for another request. */
export function responseOf(answer: unknown, uid: string): AdmissionResponse {
  const review = answer as { kind?: string; response?: AdmissionResponse & { uid?: string } } | null;
  if (!review?.response) throw new Error('webhook response is missing');
  if (review.response.uid !== uid)
    throw new Error(`expected response.uid="${uid}", got "${review.response.uid ?? ''}"`);
  return review.response;
}
