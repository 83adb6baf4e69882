import type { Namespace, Pod } from '../../api/gen/core-v1.ts';
import { namespaces, networkpolicies, pods } from '../../api/gen/resources.ts';
import { delay } from '../../base/abort.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import type { Informer } from '../../client/informer.ts';
import { createNftTable } from '../../host/nft.ts';
import { compilePolicies, podAddresses } from './compile.ts';
import type { NetworkPolicyOptions } from './options.ts';

/** Changes that come within this time go together. */
const settleMs = 30;
const retryMs = 5_000;

/** Of a pod only this matters; its status changes far more often. */
const podText = (pod: Pod): string =>
  JSON.stringify([pod.metadata.labels, podAddresses(pod), pod.status?.phase, pod.spec?.nodeName]);

interface Subjects {
  pods: Informer<Pod>;
  namespaces: Informer<Namespace>;
}

/**
 * Keeps the kernel's rules as NetworkPolicies ask for the pods of this node. Without a policy there is no table, and
 * the pods of the cluster are not even watched. Rules stay when the component stops.
 */
export function createNetworkPolicy(options: NetworkPolicyOptions): Component {
  const { informers, nodeName, log } = options;
  const policyInformer = informers.informer(networkpolicies);
  const table = createNftTable({ family: 'inet', name: 'knarr-policy', comment: 'network policies', log });
  const lifetime = new AbortController();
  const ending = new Promise<void>((resolve) => lifetime.signal.addEventListener('abort', () => resolve()));
  const undo: (() => void)[] = [];
  let subjects: Subjects | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let hasTable = true; // one may be left from before

  const watchSubjects = (): Subjects => {
    const watched = { pods: informers.informer(pods), namespaces: informers.informer(namespaces) };
    undo.push(
      watched.pods.addHandler({
        add: trigger,
        update: (pod, old) => {
          if (podText(pod) !== podText(old)) trigger();
        },
        delete: trigger,
      }),
      watched.namespaces.addHandler({
        update: (now, old) => {
          if (JSON.stringify(now.metadata.labels) !== JSON.stringify(old.metadata.labels)) trigger();
        },
      }),
    );
    return watched;
  };

  const apply = async (): Promise<void> => {
    const policies = policyInformer.list();
    if (policies.length === 0) {
      table.put('policies', undefined);
      if (hasTable) await table.remove();
      hasTable = false;
      return;
    }
    subjects ??= watchSubjects();
    await Promise.race([Promise.all([subjects.pods.synced, subjects.namespaces.synced]), ending]);
    if (lifetime.signal.aborted) return;
    const fragment = compilePolicies({
      nodeName,
      policies,
      pods: subjects.pods.list(),
      namespaces: subjects.namespaces.list(),
    });
    table.put('policies', fragment);
    if (fragment !== undefined) await table.sync();
    else if (hasTable) await table.remove();
    hasTable = fragment !== undefined;
  };
  const loop = async (): Promise<void> => {
    do {
      again = false;
      try {
        await apply();
        await delay(settleMs, lifetime.signal);
      } catch (error) {
        if (lifetime.signal.aborted) break;
        log.error('network policies could not be applied', { error: messageOf(error) });
        again = true;
        await delay(retryMs, lifetime.signal);
      }
    } while (again && !lifetime.signal.aborted);
    running = undefined;
  };
  function trigger(): void {
    again = true;
    if (!lifetime.signal.aborted) running ??= Promise.resolve().then(loop);
  }

  return {
    name: 'network-policy',
    async start() {
      await policyInformer.synced;
      undo.push(policyInformer.addHandler({ add: trigger, update: trigger, delete: trigger }));
      trigger();
      await running;
    },
    async stop() {
      lifetime.abort();
      for (const off of undo.splice(0)) off();
      await running;
      table.close();
    },
  };
}
