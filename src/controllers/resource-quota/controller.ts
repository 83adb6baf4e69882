import type { ResourceQuota } from '../../api/gen/core-v1.ts';
import { persistentvolumeclaims, pods, resourcequotas, services } from '../../api/gen/resources.ts';
import { type KubernetesList, type KubernetesObject, resourcePath } from '../../api/object.ts';
import { parseQuantity } from '../../api/quantity.ts';
import type { Component } from '../../base/component.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { discover } from '../runtime/discovery.ts';
import { isTerminal } from '../runtime/pods.ts';
import { claimUsage, podUsage, quotaSelects, serviceUsage, type Usage, usedOf } from './usage.ts';

/** Names that count objects of other kinds without saying `count/`. */
const plainCounts = ['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas'];
const recountMs = 300_000;

/** Recounts what quotas limit when something goes away; what comes is charged when it is admitted. */
export function createResourceQuotaController(context: ControllerContext): Component {
  const { client, informers } = context;
  const informer = informers.informer(resourcequotas);
  const podInformer = informers.informer(pods);
  const serviceInformer = informers.informer(services);
  const claimInformer = informers.informer(persistentvolumeclaims);
  const committer = createCommitter({ client, resource: resourcequotas, informer });

  /** Objects counted by `count/resource.group` or a plain name. */
  const countOthers = async (quota: ResourceQuota, usage: Usage): Promise<boolean> => {
    const names = Object.keys(quota.spec?.hard ?? {}).filter(
      (n) => !usage.has(n) && (n.startsWith('count/') || plainCounts.includes(n)),
    );
    if (names.length === 0) return false;
    const { resources } = await discover(client);
    for (const name of names) {
      const [plural = '', ...group] = name.replace(/^count\//, '').split('.');
      const resource = resources.find((r) => r.resource === plural && r.group === group.join('.'));
      if (!resource) continue;
      const path = resourcePath(resource, { namespace: quota.metadata.namespace });
      const list = (await client.raw({ method: 'GET', path })) as KubernetesList<KubernetesObject>;
      usage.set(name, parseQuantity(list.items.length));
    }
    return true;
  };

  const quotasOf = (namespace: string | undefined): string[] => informer.list(namespace).map(keyOf);

  return createController({
    name: 'resource-quota',
    log: context.log.child('resource-quota'),
    watches: (queue) => [
      watching(queue, informer),
      watching(
        queue,
        podInformer,
        (pod) => quotasOf(pod.metadata.namespace),
        (pod, old) => isTerminal(pod) !== isTerminal(old) || pod.spec !== old.spec,
      ),
      watching(queue, serviceInformer, (service) => quotasOf(service.metadata.namespace)),
      watching(queue, claimInformer, (claim) => quotasOf(claim.metadata.namespace)),
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const quota = informer.get(name, namespace);
      if (!quota || quota.metadata.deletionTimestamp !== undefined) return undefined;
      const usage: Usage = new Map([
        ...podUsage(podInformer.list(namespace).filter((p) => quotaSelects(quota, p))),
        ...serviceUsage(serviceInformer.list(namespace)),
        ...claimUsage(claimInformer.list(namespace)),
      ]);
      const counted = await countOthers(quota, usage);
      const status = { hard: quota.spec?.hard, used: usedOf(quota, usage) };
      await committer.commitStatus(quota, { ...quota, status });
      return { requeueAfterMs: counted ? recountMs : undefined };
    },
  });
}
