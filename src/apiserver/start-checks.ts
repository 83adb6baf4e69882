import type { Health } from './handlers/health.ts';

/** What starts one after the other. */
export type StartedPart = 'caches' | 'customResources' | 'flowControl' | 'aggregation';

/** Upstream's names for what each part does when the server starts: those that people and their tools ask for. */
const hooks: Readonly<Record<StartedPart | 'firstObjects', readonly string[]>> = {
  caches: ['poststarthook/start-apiserver-admission-initializer', 'poststarthook/generic-apiserver-start-informers'],
  flowControl: ['poststarthook/priority-and-fairness-config-consumer', 'poststarthook/priority-and-fairness-filter'],
  customResources: [
    'poststarthook/start-apiextensions-informers',
    'poststarthook/start-apiextensions-controllers',
    'poststarthook/crd-informer-synced',
  ],
  firstObjects: [
    'poststarthook/start-system-namespaces-controller',
    'poststarthook/start-cluster-authentication-info-controller',
    'poststarthook/rbac/bootstrap-roles',
    'poststarthook/scheduling/bootstrap-system-priority-classes',
    'poststarthook/priority-and-fairness-config-producer',
    'poststarthook/bootstrap-controller',
    'poststarthook/start-kubernetes-service-cidr-controller',
  ],
  aggregation: [
    'poststarthook/start-kube-aggregator-informers',
    'poststarthook/apiservice-status-local-available-controller',
    'poststarthook/apiservice-status-remote-available-controller',
    'poststarthook/apiservice-registration-controller',
    'poststarthook/apiservice-discovery-controller',
    'poststarthook/kube-apiserver-autoregistration',
    'autoregister-completion',
  ],
};

/**
 * Adds a check for every step of the start; what is returned is told when a part has started. The first objects are
 * there when none is unmade.
 */
export function addStartChecks(health: Health, unmade: () => readonly string[]): (part: StartedPart) => void {
  const started = new Set<string>();
  for (const [part, names] of Object.entries(hooks))
    for (const name of names)
      health.add(
        name,
        async () => {
          if (part === 'firstObjects') {
            if (unmade().length > 0) throw new Error(unmade().join('; '));
          } else if (!started.has(part)) throw new Error('not finished');
        },
        { live: true },
      );
  return (part) => void started.add(part);
}
