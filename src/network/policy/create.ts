import type { Pod } from '../../api/gen/core-v1.ts';
import { namespaces, networkpolicies, pods } from '../../api/gen/resources.ts';
import { delay } from '../../base/abort.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import { createNftTable } from '../../host/nft.ts';
import { compilePolicies, podAddresses } from './compile.ts';
import type { NetworkPolicyOptions } from './options.ts';

/** Changes that come within this time go together. */
const settleMs = 30;
const retryMs = 5_000;

/** Of a pod only this matters; its status changes far more often. */
const podText = (pod: Pod): string =>
  JSON.stringify([pod.metadata.labels, podAddresses(pod), pod.status?.phase, pod.spec?.nodeName]);

/** Keeps the kernel's rules as NetworkPolicies ask for the pods of this node. Without a policy there is no table. */
export function createNetworkPolicy(options: NetworkPolicyOptions): Component {
  const { informers, nodeName, log } = options;
  const policyInformer = informers.informer(networkpolicies);
  const podInformer = informers.informer(pods);
  const namespaceInformer = informers.informer(namespaces);
  const table = createNftTable({ family: 'inet', name: 'knarr-policy', comment: 'network policies', log });
  const lifetime = new AbortController();
  const undo: (() => void)[] = [];
  let running: Promise<void> | undefined;
  let again = false;
  let hasTable = true; // one may be left from before

  const apply = async (): Promise<void> => {
    const policies = policyInformer.list();
    const fragment =
      policies.length === 0
        ? undefined
        : compilePolicies({ nodeName, policies, pods: podInformer.list(), namespaces: namespaceInformer.list() });
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
        log.error('network policies could not be applied', { error: messageOf(error) });
        again = true;
        await delay(retryMs, lifetime.signal);
      }
    } while (again && !lifetime.signal.aborted);
    running = undefined;
  };
  const trigger = (): void => {
    again = true;
    running ??= Promise.resolve().then(loop);
  };
  const whenPolicies = (): void => {
    if (hasTable || policyInformer.list().length > 0) trigger();
  };

  return {
    name: 'network-policy',
    async start() {
      await Promise.all([policyInformer.synced, podInformer.synced, namespaceInformer.synced]);
      await apply();
      undo.push(
        policyInformer.addHandler({ add: trigger, update: trigger, delete: trigger }),
        podInformer.addHandler({
          add: whenPolicies,
          update: (pod, old) => {
            if (podText(pod) !== podText(old)) whenPolicies();
          },
          delete: whenPolicies,
        }),
        namespaceInformer.addHandler({
          update: (now, old) => {
            if (JSON.stringify(now.metadata.labels) !== JSON.stringify(old.metadata.labels)) whenPolicies();
          },
        }),
      );
    },
    async stop() {
      lifetime.abort();
      for (const off of undo.splice(0)) off();
      await running;
      table.close();
    },
  };
}
