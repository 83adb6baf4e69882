import type { ResourceQuota } from '../../api/gen/core-v1.ts';
import {
  deviceclasses,
  persistentvolumeclaims,
  pods,
  resourceclaims,
  resourcequotas,
  services,
} from '../../api/gen/resources.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { type Amounts, addAmounts } from '../../api/pod-resources.ts';
import { formatQuantity, parseQuantity } from '../../api/quantity.ts';
import { type Devices, devicesAmong, noDevices } from '../../api/quota/devices.ts';
import { isBoundOf, measured } from '../../api/quota/names.ts';
import { inScope } from '../../api/quota/scopes.ts';
import { podEnded, usageOf } from '../../api/quota/usage.ts';
import type { Component } from '../../base/component.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import type { WorkQueue } from '../runtime/work-queue.ts';
import { createCountedResources } from './counted.ts';

/** Names that count objects of other kinds without saying `count/`. */
const plainCounts = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas']);
const recountMs = 300_000;
const zero = parseQuantity('0');

const isCount = (name: string): boolean => name.startsWith('count/') || plainCounts.has(name);
/** The quota's names that stand for a number of objects which only the server knows. */
export const countedNames = (quota: ResourceQuota): string[] =>
  Object.keys(quota.spec?.hard ?? {}).filter(
    (name) =>
      isCount(name) &&
      !measured.some((place) => {
        const [group = '', resource = ''] = place.split('/');
        return isBoundOf(group, resource, name);
      }),
  );

/** `used` for exactly the names that the quota limits. */
export function usedOf(quota: ResourceQuota, usage: Amounts): Record<string, string> {
  return Object.fromEntries(
    Object.keys(quota.spec?.hard ?? {}).map((name) => [name, formatQuantity(usage[name] ?? zero)]),
  );
}

/** What these objects, by `group/resource`, use together of what the quota looks at. */
export function measure(
  quota: ResourceQuota,
  objects: Readonly<Record<string, readonly KubernetesObject[]>>,
  devices: Devices = noDevices,
): Amounts {
  const usage: Amounts = {};
  const names = Object.keys(quota.spec?.hard ?? {});
  for (const [place, list] of Object.entries(objects)) {
    const [group = '', resource = ''] = place.split('/');
    if (!names.some((name) => isBoundOf(group, resource, name, devices.classes))) continue;
    for (const object of list)
      if (inScope(quota.spec, group, resource, object)) addAmounts(usage, usageOf(group, resource, object, devices));
  }
  return usage;
}

/** Recounts what quotas limit when something goes away; what comes is charged when it is admitted. */
export function createResourceQuotaController(context: ControllerContext): Component {
  const { client, informers } = context;
  const log = context.log.child('resource-quota');
  const informer = informers.informer(resourcequotas);
  const podInformer = informers.informer(pods);
  const serviceInformer = informers.informer(services);
  const claimInformer = informers.informer(persistentvolumeclaims);
  const deviceInformer = informers.informer(resourceclaims);
  const classInformer = informers.informer(deviceclasses);
  const committer = createCommitter({ client, resource: resourcequotas, informer });
  const quotasOf = (namespace: string | undefined): string[] => informer.list(namespace).map(keyOf);
  let queue: WorkQueue | undefined;
  const counted = createCountedResources({
    client,
    log,
    onGone: (namespace) => quotasOf(namespace).forEach((key) => void queue?.add(key)),
  });

  const count = async (quota: ResourceQuota): Promise<Amounts> => {
    const usage: Amounts = {};
    for (const name of countedNames(quota)) {
      const number = await counted.count(name, quota.metadata?.namespace ?? '');
      if (number !== undefined) usage[name] = parseQuantity(number);
    }
    return usage;
  };

  const controller = createController({
    name: 'resource-quota',
    log,
    watches: (workQueue) => {
      queue = workQueue;
      return [
        watching(queue, informer),
        watching(
          queue,
          podInformer,
          (pod) => quotasOf(pod.metadata.namespace),
          (pod, old) => podEnded(pod, context.now()) !== podEnded(old, context.now()) || pod.spec !== old.spec,
        ),
        watching(queue, serviceInformer, (service) => quotasOf(service.metadata.namespace)),
        watching(queue, claimInformer, (claim) => quotasOf(claim.metadata.namespace)),
        watching(queue, deviceInformer, (claim) => quotasOf(claim.metadata.namespace)),
        watching(queue, classInformer, () => quotasOf(undefined)),
      ];
    },
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const quota = informer.get(name, namespace);
      if (!quota || quota.metadata.deletionTimestamp !== undefined) {
        counted.follow(new Set(informer.list().flatMap(countedNames)));
        return undefined;
      }
      const ownPods = podInformer.list(namespace);
      const deviceClaims = deviceInformer.list(namespace);
      const objects = {
        '/pods': ownPods,
        '/services': serviceInformer.list(namespace),
        '/persistentvolumeclaims': claimInformer.list(namespace),
        'resource.k8s.io/resourceclaims': deviceClaims,
      };
      const devices = devicesAmong({ classes: classInformer.list(), pods: ownPods, claims: deviceClaims });
      const usage = {
        ...measure(quota, objects, devices),
        ...(await count(quota)),
      };
      await committer.commitStatus(quota, { ...quota, status: { hard: quota.spec?.hard, used: usedOf(quota, usage) } });
      return { requeueAfterMs: countedNames(quota).length > 0 ? recountMs : undefined };
    },
  });
  return {
    ...controller,
    async stop() {
      await controller.stop();
      await counted.stop();
    },
  };
}
