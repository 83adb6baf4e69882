import type { PersistentVolumeClaim } from '../../api/gen/core-v1.ts';
import { persistentvolumeclaims, pods } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import { referenceTo } from '../../client/events.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { controllerRef, isControlledBy } from '../runtime/owners.ts';

/** Makes the claims of generic ephemeral volumes; they go with their pod. */
export function createEphemeralVolumeController(context: ControllerContext): Component {
  const { client, informers } = context;
  const informer = informers.informer(pods);
  const claims = informers.informer(persistentvolumeclaims);
  const recorder = context.recorder('ephemeral_volume');
  return createController({
    name: 'ephemeral-volume',
    log: context.log.child('ephemeral-volume'),
    watches: (queue) => [
      watching(
        queue,
        informer,
        (pod) => ((pod.spec?.volumes ?? []).some((v) => v.ephemeral) ? keyOf(pod) : undefined),
        () => false,
      ),
      watching(queue, claims, () => undefined),
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const pod = informer.get(name, namespace);
      if (!pod || pod.metadata.deletionTimestamp !== undefined) return undefined;
      for (const volume of pod.spec?.volumes ?? []) {
        const template = volume.ephemeral?.volumeClaimTemplate;
        if (!template) continue;
        const claimName = `${name}-${volume.name}`;
        const known = claims.get(claimName, namespace);
        if (known && isControlledBy(known, pod)) continue;
        const claim: PersistentVolumeClaim = {
          metadata: {
            name: claimName,
            namespace,
            labels: template.metadata?.labels,
            annotations: template.metadata?.annotations,
            ownerReferences: [controllerRef(pods, pod)],
          },
          spec: template.spec,
        };
        try {
          if (known) throw new Error(`PVC ${keyOf(known)} was not created for pod ${key} (pod is not owner)`);
          claims.observe(await client.create(persistentvolumeclaims, claim));
        } catch (error) {
          if (isApiError(error, 'AlreadyExists')) continue;
          const message = `ephemeral volume ${volume.name}: ${messageOf(error)}`;
          recorder.event(referenceTo(pods, pod), 'Warning', 'FailedBinding', message);
          throw error;
        }
      }
      return undefined;
    },
  });
}
