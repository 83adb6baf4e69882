import type { Node, Pod } from '../../api/gen/core-v1.ts';
import { badRequest, plainFailure } from '../../api/status.ts';
import type { Registry } from '../registry/types.ts';
import type { Target, TlsToTarget } from './backend-connection.ts';

/** Which of a node's addresses the server dials, best first. */
const preferred = ['InternalIP', 'ExternalIP', 'InternalDNS', 'ExternalDNS', 'Hostname'];

/** Where a node's kubelet is. */
export async function kubeletTarget(registry: Registry, nodeName: string, tls: TlsToTarget): Promise<Target> {
  const stored = await registry.store('', 'nodes').get({ namespace: '', name: nodeName });
  const node = stored.object as unknown as Node;
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250;
  for (const type of preferred) {
    const address = node.status?.addresses?.find((a) => a.type === type)?.address;
    if (address) return { host: address, port, nodeName, tls };
  }
  throw plainFailure(500, `no preferred addresses found; known addresses: []`);
}

export async function getPod(registry: Registry, namespace: string, name: string): Promise<Pod> {
  return (await registry.store('', 'pods').get({ namespace, name })).object as unknown as Pod;
}

/** The node on which a pod runs; throws 400 when it has none. */
export function nodeOfPod(pod: Pod): string {
  const node = pod.spec?.nodeName;
  if (!node) throw badRequest(`pod ${pod.metadata?.name} does not have a host assigned`);
  return node;
}

/** The container that is meant: the one named, or the only one. */
export function containerOf(pod: Pod, asked: string | null): string {
  const { spec } = pod;
  const name = pod.metadata?.name ?? '';
  const containers = spec?.containers ?? [];
  const all = [...(spec?.initContainers ?? []), ...containers, ...(spec?.ephemeralContainers ?? [])].map((c) => c.name);
  if (asked) {
    if (!all.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return asked;
  }
  if (containers.length === 1) return containers[0]?.name ?? '';
  const hint = containers.length === 0 ? '' : `, choose one of: [${all.join(' ')}]`;
  throw badRequest(`a container name must be specified for pod ${name}${hint}`);
}
