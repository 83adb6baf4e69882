import type { Service } from '../../api/gen/core-v1.ts';
import type { EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { badRequest, notFound, serviceUnavailable } from '../../api/status.ts';
import type { Registry } from '../registry/types.ts';
import type { Target } from './backend-connection.ts';
import { getPod } from './kubelet.ts';
import type { SchemeNamePort } from './scheme-name-port.ts';

export interface ProxyTarget {
  readonly target: Target;
}

/** What a proxied backend shows is not checked, as upstream does not. */
const unchecked = {};

const isProxyable = (address: string): boolean =>
  address !== '' && !/^(127\.|169\.254\.|0\.|22[4-9]\.|23\d\.|::1$|fe80:|ff)/i.test(address);

const tlsFor = (scheme: SchemeNamePort['scheme']) => (scheme === 'https' ? unchecked : undefined);

export async function podProxyTarget(registry: Registry, namespace: string, id: SchemeNamePort): Promise<ProxyTarget> {
  const pod = await getPod(registry, namespace, id.name);
  const address = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '';
  if (!isProxyable(address)) throw badRequest('address not allowed');
  const declared = pod.spec?.containers.find((c) => (c.ports?.length ?? 0) > 0)?.ports?.[0]?.containerPort;
  const port = id.port === '' ? (declared ?? (id.scheme === 'https' ? 443 : 80)) : Number(id.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw badRequest(`invalid pod request "${id.name}:${id.port}"`);
  return { target: { host: address, port, nodeName: pod.spec?.nodeName, tls: tlsFor(id.scheme) } };
}

const shownId = ({ scheme, name, port }: SchemeNamePort): string => [...(scheme ? [scheme] : []), name, port].join(':');

/** One ready endpoint of a service, by the port's name or number. */
export async function serviceProxyTarget(
  registry: Registry,
  namespace: string,
  id: SchemeNamePort,
  options: {
    /** For what the server itself calls: names outside of the cluster count, too. */
    own?: boolean;
  } = {},
): Promise<ProxyTarget> {
  const stored = await registry.store('', 'services').get({ namespace, name: id.name });
  const service = stored.object as unknown as Service;
  const ports = service.spec?.ports ?? [];
  const none = (shown: string) => serviceUnavailable(`no endpoints available for service ${JSON.stringify(shown)}`);
  const isNumber = /^\d+$/.test(id.port);
  const named = isNumber
    ? ports.find((port) => String(port.port) === id.port)
    : (ports.find((port) => (port.name ?? '') === id.port) ??
      (id.port === '' && ports.length === 1 ? ports[0] : undefined));
  if (!named && isNumber) throw serviceUnavailable(`no service port ${id.port} found for service "${id.name}"`);
  if (options.own && named && service.spec?.type === 'ExternalName' && service.spec.externalName)
    return { target: { host: service.spec.externalName, port: named.port, tls: tlsFor(id.scheme) } };

  const slices = (
    await registry
      .store('discovery.k8s.io', 'endpointslices')
      .list({ namespace, labelSelector: `kubernetes.io/service-name=${id.name}` })
  ).items.map((item) => item.object as unknown as EndpointSlice);
  // Where nobody has looked for endpoints there is no service to speak of.
  if (!options.own && slices.length === 0) throw notFound({ group: '', resource: 'services' }, id.name);
  if (!named) throw none(shownId(id));
  const candidates = slices.flatMap((slice) => {
    const port = slice.ports?.find((p) => (p.name ?? '') === (named.name ?? ''))?.port;
    if (port === undefined) return [];
    return (slice.endpoints ?? [])
      .filter((endpoint) => endpoint.conditions?.ready !== false)
      .flatMap((endpoint) =>
        endpoint.addresses.filter(isProxyable).map((host) => ({ host, port, nodeName: endpoint.nodeName })),
      );
  });
  const chosen = candidates[Math.floor(Math.random() * candidates.length)];
  if (!chosen) throw none(id.name);
  return { target: { ...chosen, tls: tlsFor(id.scheme) } };
}
