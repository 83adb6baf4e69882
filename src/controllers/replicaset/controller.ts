import type { ReplicaSet, ReplicaSetSpec, ReplicaSetStatus } from '../../api/gen/apps-v1.ts';
import type { LabelSelector } from '../../api/gen/meta-v1.ts';
import { pods, replicasets } from '../../api/gen/resources.ts';
import type { KubernetesObject, Resource } from '../../api/object.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import { referenceTo } from '../../client/events.ts';
import { splitKey } from '../../client/informer.ts';
import { candidatesOf, claim } from '../runtime/claim.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';
import { controllerOf, controllerRef, ownerKey } from '../runtime/owners.ts';
import { createPodControl, isNamespaceTerminating } from '../runtime/pod-control.ts';
import { isActive, isTerminating, nextAvailableMs } from '../runtime/pods.ts';
import { manageReplicas } from './manage.ts';
import { replicasStatus } from './status.ts';

/** What a replica set and a replication controller have in common. */
export interface ReplicasKind<T extends KubernetesObject> {
  name: string;
  component: string;
  resource: Resource<T>;
  selector(object: T): LabelSelector | undefined;
  reportsTerminating: boolean;
}

type Replicas = KubernetesObject & { spec?: ReplicaSetSpec | undefined; status?: ReplicaSetStatus | undefined };

export function createReplicaSetController(context: ControllerContext): Component {
  return createReplicasController<ReplicaSet>(context, {
    name: 'replicaset',
    component: 'replicaset-controller',
    resource: replicasets,
    selector: (rs) => rs.spec?.selector,
    reportsTerminating: true,
  });
}

/** Keeps as many pods as the object says: the loop of ReplicaSet and ReplicationController. */
export function createReplicasController<T extends KubernetesObject>(
  context: ControllerContext,
  kind: ReplicasKind<T>,
): Component {
  const { client, informers, now } = context;
  const { resource } = kind;
  const podInformer = informers.informer(pods);
  const informer = informers.informer(resource);
  const recorder = context.recorder(kind.component);
  const podControl = createPodControl({ client, recorder, informer: podInformer });
  const committer = createCommitter({ client, resource, informer });

  /** Pods of all sets that belong to the same deployment. */
  const relatedPods = (object: T): ReturnType<typeof podInformer.list> => {
    const owner = controllerOf(object);
    const siblings = owner ? informer.byIndex('owner', owner.uid) : [object];
    return siblings.flatMap((s) => podInformer.byIndex('owner', s.metadata.uid ?? ''));
  };

  const reconcile = async (key: string): Promise<Outcome> => {
    const { namespace, name } = splitKey(key);
    const object = informer.get(name, namespace);
    if (!object) return undefined;
    const { spec, status } = object as Replicas;
    const about = referenceTo(resource, object);
    const ref = controllerRef(resource, object);
    const template = spec?.template ?? {};
    const claimed = await claim({
      client,
      owner: object,
      ownerResource: resource,
      ownerReference: ref,
      selector: kind.selector(object),
      resource: pods,
      informer: podInformer,
      candidates: candidatesOf(podInformer, object),
      mayAdopt: isActive,
    });
    let active = claimed.filter((p) => isActive(p) && !podControl.isBeingDeleted(p));
    const replicas = spec?.replicas ?? 1;
    const minReadySeconds = spec?.minReadySeconds ?? 0;
    let failure: unknown;
    let more = false;
    if (object.metadata.deletionTimestamp === undefined && active.length !== replicas) {
      const result = await manageReplicas({
        active,
        replicas,
        related: () => relatedPods(object),
        create: async () => {
          const generateName = `${object.metadata.name}-`;
          try {
            await podControl.create({ namespace: namespace ?? '', generateName, template, owner: ref, about });
          } catch (error) {
            if (!isNamespaceTerminating(error)) throw error;
          }
        },
        remove: (pod) => podControl.delete(pod, about),
        now: now(),
      });
      failure = result.error;
      more = result.more;
      const owned = podInformer.byIndex('owner', object.metadata.uid ?? '');
      active = owned.filter((p) => isActive(p) && !podControl.isBeingDeleted(p));
    }
    const terminating = podInformer
      .byIndex('owner', object.metadata.uid ?? '')
      .filter((p) => isTerminating(p) || (isActive(p) && podControl.isBeingDeleted(p))).length;
    const at = now();
    const next = replicasStatus({
      old: status,
      generation: object.metadata.generation,
      replicas,
      minReadySeconds,
      template,
      active,
      terminating: kind.reportsTerminating ? terminating : undefined,
      failure: failure === undefined ? undefined : messageOf(failure),
      now: at,
    });
    await committer.commitStatus(object, { ...object, status: next });
    if (failure !== undefined) throw failure;
    return { requeueAfterMs: more ? 1 : nextAvailableMs(active, minReadySeconds, at) };
  };

  return createController({
    name: kind.name,
    log: context.log.child(kind.name),
    watches: (queue) => [
      watching(queue, informer),
      watching(queue, podInformer, (pod) => {
        const owner = ownerKey(resource, pod);
        if (owner !== undefined || controllerOf(pod)) return owner;
        return informer
          .list(pod.metadata.namespace)
          .filter((o) => selects(kind.selector(o), pod.metadata.labels))
          .map((o) => `${o.metadata.namespace}/${o.metadata.name}`);
      }),
    ],
    reconcile,
  });
}

/** A quick look, good enough to decide who is asked about an orphan. */
function selects(selector: LabelSelector | undefined, labels: Record<string, string> | undefined): boolean {
  const wanted = Object.entries(selector?.matchLabels ?? {});
  const byMap = wanted.every(([k, v]) => labels?.[k] === v);
  return byMap && (wanted.length > 0 || (selector?.matchExpressions?.length ?? 0) > 0);
}
