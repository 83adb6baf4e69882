import type { BootstrapObject, BootstrapResource } from '../../api/bootstrap-objects.ts';
import { messageOf } from '../../base/errors.ts';
import type { Draft, Registry } from '../registry/types.ts';
import { type Ensured, ensure } from './ensure.ts';
import { ensureKubernetesService } from './kubernetes-service.ts';
import { reconcileBinding, reconcileRole } from './policy.ts';

export interface BootstrapOptions {
  registry: Registry;
  objects: Readonly<Record<BootstrapResource, readonly BootstrapObject[]>>;
  clientCa: string;
  requestHeader?: { ca: string; allowedNames: readonly string[] } | undefined;
  serviceCidrs: readonly string[];
  kubernetesServiceIp: string;
  advertiseAddress: string;
  port: number;
}

/** Upstream's `subsumes`: what the server makes once its namespaces are there, by group. */
const places: readonly [BootstrapResource, string, ((found: Draft, wanted: Draft) => Draft | undefined) | undefined][] =
  [
    ['clusterroles', 'rbac.authorization.k8s.io', reconcileRole],
    ['roles', 'rbac.authorization.k8s.io', reconcileRole],
    ['clusterrolebindings', 'rbac.authorization.k8s.io', reconcileBinding],
    ['rolebindings', 'rbac.authorization.k8s.io', reconcileBinding],
    ['priorityclasses', 'scheduling.k8s.io', undefined],
    ['flowschemas', 'flowcontrol.apiserver.k8s.io', undefined],
    ['prioritylevelconfigurations', 'flowcontrol.apiserver.k8s.io', undefined],
    ['apiservices', 'apiregistration.k8s.io', undefined],
  ];

/** Of those, what comes back when somebody takes it away; the others are only made at the start. */
const kept: ReadonlySet<BootstrapResource> = new Set(['flowschemas', 'prioritylevelconfigurations', 'apiservices']);

function authenticationConfigMap({ clientCa, requestHeader }: BootstrapOptions): Draft {
  const list = (items: readonly string[]): string => JSON.stringify(items);
  return {
    metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data: {
      'client-ca-file': clientCa,
      ...(requestHeader
        ? {
            'requestheader-allowed-names': list(requestHeader.allowedNames),
            'requestheader-client-ca-file': requestHeader.ca,
            'requestheader-extra-headers-prefix': list(['X-Remote-Extra-']),
            'requestheader-group-headers': list(['X-Remote-Group']),
            'requestheader-uid-headers': list(['X-Remote-Uid']),
            'requestheader-username-headers': list(['X-Remote-User']),
          }
        : {}),
    },
  };
}

/** Since when the last use of token secrets is noted on them: those who clear old ones away count from here. */
const legacyTokenTracking = (): Draft => ({
  metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' },
  data: { since: new Date().toISOString().slice(0, 10) },
});

/**
 * Makes what every cluster has: namespaces, default roles and bindings, priority classes, flow control, API services,
 * the `kubernetes` Service. Everything can be repeated; what users changed within the rules stays. One that fails keeps
 * no other from being made; resolves with the failures. `kept`: those alone that a cluster is never without.
 */
export async function bootstrap(options: BootstrapOptions, which: 'all' | 'kept'): Promise<string[]> {
  const { registry, objects: facts } = options;
  const failures: string[] = [];
  const attempt = async (what: string, work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      failures.push(`${what}: ${messageOf(error)}`);
    }
  };
  const make = (wanted: Ensured): Promise<void> =>
    attempt(`${wanted.resource} ${wanted.object.metadata.name}`, ensure(registry, wanted));

  await Promise.all(
    facts.namespaces.map((object) =>
      make({ group: '', resource: 'namespaces', object: { ...object, spec: {} } as Draft }),
    ),
  );
  await Promise.all([
    ...places
      .filter(([resource]) => which === 'all' || kept.has(resource))
      .flatMap(([resource, group, reconcile]) =>
        facts[resource].map((object) =>
          make({ group, resource, object: object as Draft, ...(reconcile ? { reconcile } : {}) }),
        ),
      ),
    make({
      group: 'networking.k8s.io',
      resource: 'servicecidrs',
      object: { metadata: { name: 'kubernetes' }, spec: { cidrs: [...options.serviceCidrs] } },
    }),
    make({
      group: '',
      resource: 'configmaps',
      object: authenticationConfigMap(options),
      reconcile: (found, wanted) => {
        if (JSON.stringify(found.data) === JSON.stringify(wanted.data)) return undefined;
        found.data = wanted.data;
        return found;
      },
    }),
    make({
      group: '',
      resource: 'configmaps',
      object: legacyTokenTracking(),
      reconcile: (found, wanted) => {
        if ((found.data as { since?: string } | undefined)?.since) return undefined;
        found.data = wanted.data;
        return found;
      },
    }),
    attempt(
      'the kubernetes service',
      ensureKubernetesService({
        registry,
        clusterIp: options.kubernetesServiceIp,
        advertiseAddress: options.advertiseAddress,
        port: options.port,
      }),
    ),
  ]);
  return failures;
}
