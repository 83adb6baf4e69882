import type { Pod } from '../../api/gen/core-v1.ts';
import { persistentvolumeclaims, persistentvolumes, pods } from '../../api/gen/resources.ts';
import type { KubernetesObject, Resource } from '../../api/object.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';
import { isTerminal } from '../runtime/pods.ts';

const pvcFinalizer = 'kubernetes.io/pvc-protection';
const pvFinalizer = 'kubernetes.io/pv-protection';

/** The claims that a pod's volumes name, those made for it as well. */
export function claimsOf(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap((v) => {
    if (v.persistentVolumeClaim) return [v.persistentVolumeClaim.claimName];
    return v.ephemeral ? [`${pod.metadata.name}-${v.name}`] : [];
  });
}

/** Puts the finalizer on what lives, takes it off what is to be deleted and not in use. */
async function protect<T extends KubernetesObject>(
  context: ControllerContext,
  resource: Resource<T>,
  object: T,
  finalizer: string,
  inUse: () => boolean,
): Promise<Outcome> {
  const { name = '', namespace, uid, resourceVersion, deletionTimestamp } = object.metadata;
  const finalizers = object.metadata.finalizers ?? [];
  const has = finalizers.includes(finalizer);
  let next: string[];
  if (deletionTimestamp === undefined) {
    if (has) return undefined;
    next = [...finalizers, finalizer];
  } else {
    if (!has || inUse()) return undefined;
    next = finalizers.filter((f) => f !== finalizer);
  }
  const body = { metadata: { uid, resourceVersion, finalizers: next.length === 0 ? null : next } };
  try {
    await context.client.patch(resource, name, { type: 'merge', body }, { namespace });
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
  }
  return undefined;
}

/** A claim in use by a pod is not deleted under it. */
export function createPvcProtectionController(context: ControllerContext): Component {
  const informer = context.informers.informer(persistentvolumeclaims);
  const podInformer = context.informers.informer(pods);
  podInformer.addIndex('claim', (pod) => claimsOf(pod).map((name) => `${pod.metadata.namespace}/${name}`));
  return createController({
    name: 'pvc-protection',
    log: context.log.child('pvc-protection'),
    watches: (queue) => [
      watching(queue, informer),
      watching(
        queue,
        podInformer,
        (pod) => claimsOf(pod).map((name) => `${pod.metadata.namespace}/${name}`),
        (pod, old) => isTerminal(pod) !== isTerminal(old),
      ),
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const claim = informer.get(name, namespace);
      if (!claim) return undefined;
      const inUse = (): boolean => podInformer.byIndex('claim', key).some((p) => !isTerminal(p) && p.spec?.nodeName);
      return protect(context, persistentvolumeclaims, claim, pvcFinalizer, inUse);
    },
  });
}

/** A volume that is bound to a claim is not deleted under it. */
export function createPvProtectionController(context: ControllerContext): Component {
  const informer = context.informers.informer(persistentvolumes);
  return createController({
    name: 'pv-protection',
    log: context.log.child('pv-protection'),
    watches: (queue) => [watching(queue, informer, keyOf)],
    async reconcile(name) {
      const volume = informer.get(name);
      if (!volume) return undefined;
      return protect(context, persistentvolumes, volume, pvFinalizer, () => volume.status?.phase === 'Bound');
    },
  });
}
