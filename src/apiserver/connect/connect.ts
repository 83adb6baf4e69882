import { badRequest } from '../../api/status.ts';
import type { Answer, Call, StoreHandler } from '../handlers/call.ts';
import type { SpecialHandlers } from '../handlers/route.ts';
import type { Admission, Registry, ResourceStore } from '../registry/types.ts';
import type { Dialer } from '../server.ts';
import type { Target, TlsToTarget } from './backend-connection.ts';
import { relayToSocket } from './byte-socket.ts';
import { connectOptions } from './connect-options.ts';
import { proxiedAddress } from './html-links.ts';
import { getPod, kubeletTarget, nodeOfPod } from './kubelet.ts';
import { attachPath, execPath, logPath, portForwardPath } from './pod-streams.ts';
import { proxiedPath } from './proxied-path.ts';
import { type ProxyTarget, podProxyTarget, serviceProxyTarget } from './proxy-targets.ts';
import { refusedLog } from './refused-log.ts';
import { hostHeader, type RelayRequest, relayExchange, relayUpgrade, type Upgrade } from './relay.ts';
import { parseSchemeNamePort, rewriteLocation } from './scheme-name-port.ts';

export interface ConnectOptions {
  registry: Registry;
  admission: Admission;
  dial: Dialer;
  kubelet: TlsToTarget;
}

/** The upgrade that a call came with; set by the HTTP layer before the call is dispatched. */
export type UpgradeOf = (call: Call) => Upgrade | undefined;

interface Place {
  readonly target: Target;
  readonly path: string;
  /** Where the target's own paths are seen by the client. */
  readonly prefix?: string | undefined;
  readonly refused?: RelayRequest['refused'];
}

/** Subresources that are connections: they end at a kubelet, a pod or a service. */
export function connectHandlers(options: ConnectOptions, upgradeOf: UpgradeOf): ReadonlyMap<string, SpecialHandlers> {
  const { registry, dial } = options;

  const admit = async (call: Call, store: ResourceStore): Promise<void> => {
    const { info } = call;
    const subresource = store.definition.subresources.find((s) => s.name === info.subresource);
    const path = info.subresource === 'proxy' ? proxiedPath(call.url).path : '';
    const attributes = {
      operation: 'CONNECT' as const,
      group: info.group,
      version: info.version,
      resource: info.resource,
      kind: subresource?.kind ?? { group: '', version: 'v1', kind: '' },
      subresource: info.subresource,
      namespace: info.namespace,
      name: info.name,
      object: connectOptions(subresource?.kind.kind ?? '', call.query, path),
      oldObject: undefined,
      options: {},
      context: call.context,
    };
    await options.admission.mutate(attributes);
    await options.admission.validate(attributes);
  };

  const relay = async (call: Call, { target, path, prefix, refused }: Place): Promise<Answer> => {
    const upgrade = upgradeOf(call);
    if (upgrade) {
      await relayUpgrade(upgrade, { dial, target, path });
      return { kind: 'taken' };
    }
    if (!call.exchange) throw badRequest(`${call.info.subresource} needs a connection`);
    await relayExchange(call.exchange, {
      dial,
      target,
      path,
      refused,
      headers: prefix === undefined ? undefined : forwarded(call),
      answerHeaders: prefix === undefined ? undefined : (headers) => rewriteLocation(headers, target, prefix),
      rewrite: prefix === undefined ? undefined : rewriter(call, target, prefix),
    });
    return { kind: 'taken' };
  };

  const toKubelet =
    (
      pathOf: (pod: Awaited<ReturnType<typeof getPod>>, query: URLSearchParams) => string,
      upgradeOnly: boolean,
    ): StoreHandler =>
    async (call, store) => {
      if (upgradeOnly) await admit(call, store);
      const pod = await getPod(registry, call.info.namespace, call.info.name);
      const path = pathOf(pod, call.query);
      if (!upgradeOnly && !pod.spec?.nodeName) return { kind: 'bytes', status: 204, type: '', body: '' };
      const target = await kubeletTarget(registry, nodeOfPod(pod), options.kubelet);
      const upgrade = upgradeOf(call);
      const refused = (status: number, text: string) => refusedLog(status, text, call.info.name);
      if (upgradeOnly) {
        if (!upgrade) throw badRequest('Upgrade request required');
        return relay(call, { target, path });
      }
      if (upgrade) {
        await relayToSocket(upgrade, { dial, target, path, refused });
        return { kind: 'taken' };
      }
      return relay(call, { target, path, refused });
    };

  const proxy =
    (find: (call: Call, id: ReturnType<typeof parseSchemeNamePort>) => Promise<ProxyTarget>): StoreHandler =>
    async (call, store) => {
      await admit(call, store);
      const id = parseSchemeNamePort(call.info.name, call.info.resource);
      const { target } = await find(call, id);
      return (!upgradeOf(call) && withSlash(call)) || relay(call, { target, ...placeAtTarget(call) });
    };

  const nodeProxy: StoreHandler = async (call, store) => {
    await admit(call, store);
    const id = parseSchemeNamePort(call.info.name, 'nodes');
    const kubelet = await kubeletTarget(registry, id.name, options.kubelet);
    const target =
      id.port === '' || id.port === String(kubelet.port)
        ? kubelet
        : { ...kubelet, port: Number(id.port), tls: id.scheme === 'https' ? {} : undefined };
    return (!upgradeOf(call) && withSlash(call)) || relay(call, { target, ...placeAtTarget(call) });
  };

  const any = (handler: StoreHandler): SpecialHandlers => ({ '*': handler });
  return new Map<string, SpecialHandlers>([
    ['/pods/log', { get: toKubelet(logPath, false) }],
    ['/pods/exec', any(toKubelet(execPath, true))],
    ['/pods/attach', any(toKubelet(attachPath, true))],
    ['/pods/portforward', any(toKubelet(portForwardPath, true))],
    ['/pods/proxy', any(proxy((call, id) => podProxyTarget(registry, call.info.namespace, id)))],
    ['/services/proxy', any(proxy((call, id) => serviceProxyTarget(registry, call.info.namespace, id)))],
    ['/nodes/proxy', any(nodeProxy)],
  ]);
}

/** Where a proxied call goes at its target. */
function placeAtTarget(call: Call): { path: string; prefix: string } {
  const { path, prefix, query } = proxiedPath(call.url);
  return { path: `${path || '/'}${query}`, prefix };
}

/** Relative links of a page need its address to end with a slash: who asks without is sent there. */
function withSlash(call: Call): Answer | undefined {
  const { path, prefix, query } = proxiedPath(call.url);
  if (path !== '' || (call.exchange?.method !== 'GET' && call.exchange?.method !== 'HEAD')) return undefined;
  const headers = { location: `${prefix}/${query}` };
  return { kind: 'bytes', status: 301, type: 'text/plain; charset=utf-8', body: '', headers };
}

function rewriter(call: Call, target: Target, prefix: string): (address: string) => string {
  const asked = String(call.headers[':authority'] ?? call.headers.host ?? '');
  return (address) => proxiedAddress(address, { prefix, own: hostHeader(target), asked });
}

function forwarded(call: Call): Record<string, string> {
  const address = call.exchange?.socket.remoteAddress;
  const before = call.headers['x-forwarded-for'];
  const chain = [before, address].flat().filter(Boolean).join(', ');
  return { ...(chain ? { 'x-forwarded-for': chain } : {}), 'x-forwarded-uri': call.info.path };
}
