import type { StatefulSet } from '../../api/gen/apps-v1.ts';
import type { PersistentVolumeClaim, Pod } from '../../api/gen/core-v1.ts';
import { controllerrevisions, persistentvolumeclaims, pods, statefulsets } from '../../api/gen/resources.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import { referenceTo } from '../../client/events.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import { candidatesOf, claim } from '../runtime/claim.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';
import { syncHistory, templateOf, truncateHistory } from '../runtime/history.ts';
import { sameJson } from '../runtime/merge-diff.ts';
import { controllerOf, controllerRef, ownerKey } from '../runtime/owners.ts';
import { isNamespaceTerminating, podFromTemplate } from '../runtime/pod-control.ts';
import { nextAvailableMs } from '../runtime/pods.ts';
import { claimName, claimsFor, ordinalOf, podName, revisionOf, setIdentity } from './identity.ts';
import { planStatefulSet, type StatefulInput, statefulStatus } from './plan.ts';

export function createStatefulSetController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(statefulsets);
  const podInformer = informers.informer(pods);
  const claims = informers.informer(persistentvolumeclaims);
  const revisions = informers.informer(controllerrevisions);
  const recorder = context.recorder('statefulset-controller');
  const committer = createCommitter({ client, resource: statefulsets, informer });

  /** Tells how it went, as an event of the set, and lets errors through. */
  const told = async (
    set: StatefulSet,
    verb: 'create' | 'delete',
    what: string,
    act: () => Promise<void>,
  ): Promise<void> => {
    const about = referenceTo(statefulsets, set);
    const title = verb === 'create' ? 'Create' : 'Delete';
    try {
      await act();
      recorder.event(
        about,
        'Normal',
        `Successful${title}`,
        `${verb} ${what} in StatefulSet ${set.metadata.name} successful`,
      );
    } catch (error) {
      const text = `${verb} ${what} in StatefulSet ${set.metadata.name} failed error: ${messageOf(error)}`;
      if (!isNamespaceTerminating(error)) recorder.event(about, 'Warning', `Failed${title}`, text);
      throw error;
    }
  };

  const ensureClaims = async (set: StatefulSet, ordinal: number): Promise<void> => {
    for (const wanted of claimsFor(set, ordinal)) {
      const name = wanted.metadata.name ?? '';
      const known = claims.get(name, set.metadata.namespace);
      if (known?.metadata.deletionTimestamp !== undefined) throw new Error(`pvc ${name} is being deleted`);
      if (known) continue;
      await told(set, 'create', `Claim ${name} Pod ${podName(set, ordinal)}`, async () => {
        claims.observe(await client.create(persistentvolumeclaims, wanted));
      });
    }
  };

  const createPod = async (
    set: StatefulSet,
    ordinal: number,
    template: ReturnType<typeof templateOf>,
    revision: string,
  ): Promise<void> => {
    await ensureClaims(set, ordinal);
    await told(set, 'create', `Pod ${podName(set, ordinal)}`, async () => {
      const pod = podFromTemplate({
        namespace: set.metadata.namespace ?? '',
        name: podName(set, ordinal),
        template,
        owner: controllerRef(statefulsets, set),
        about: referenceTo(statefulsets, set),
      });
      setIdentity(set, pod, ordinal, revision);
      podInformer.observe(await client.create(pods, pod));
    });
  };

  const deletePod = (set: StatefulSet, pod: Pod): Promise<void> =>
    told(set, 'delete', `Pod ${pod.metadata.name}`, async () => {
      const { name = '', namespace, uid } = pod.metadata;
      try {
        await client.delete(pods, name, { namespace, preconditions: { uid } });
      } catch (error) {
        if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
      }
    });

  /** Claims go with the set, or with a replica that is scaled away, where the policy says so. */
  const retain = async (set: StatefulSet, known: readonly Pod[]): Promise<void> => {
    const policy = set.spec?.persistentVolumeClaimRetentionPolicy;
    if (!policy || !set.spec?.volumeClaimTemplates) return;
    const last = (set.spec.ordinals?.start ?? 0) + (set.spec.replicas ?? 1);
    for (const pod of known) {
      const ordinal = ordinalOf(set, pod) ?? 0;
      const scaledAway = ordinal >= last && policy.whenScaled === 'Delete';
      for (const template of set.spec.volumeClaimTemplates) {
        const pvc = claims.get(claimName(template, set, ordinal), set.metadata.namespace);
        if (pvc) await setOwners(pvc, set, policy.whenDeleted === 'Delete', scaledAway ? pod : undefined);
      }
    }
  };

  const setOwners = async (
    pvc: PersistentVolumeClaim,
    set: StatefulSet,
    bySet: boolean,
    byPod: Pod | undefined,
  ): Promise<void> => {
    const old = pvc.metadata.ownerReferences ?? [];
    const others = old.filter((r) => r.kind !== 'Pod' && r.uid !== set.metadata.uid);
    const { controller: _c, blockOwnerDeletion: _b, ...setRef } = controllerRef(statefulsets, set);
    const podRef = byPod && {
      apiVersion: 'v1',
      kind: 'Pod',
      name: byPod.metadata.name ?? '',
      uid: byPod.metadata.uid ?? '',
    };
    const next = [
      ...others,
      ...(bySet && !byPod ? [{ ...setRef, controller: true }] : []),
      ...(podRef ? [podRef] : []),
    ];
    if (sameJson(old, next)) return;
    const { name = '', namespace, uid, resourceVersion } = pvc.metadata;
    const body = { metadata: { uid, resourceVersion, ownerReferences: next.length === 0 ? null : next } };
    claims.observe(await client.patch(persistentvolumeclaims, name, { type: 'merge', body }, { namespace }));
  };

  const reconcile = async (key: string): Promise<Outcome> => {
    const { namespace, name } = splitKey(key);
    const set = informer.get(name, namespace);
    if (!set) return undefined;
    const selector = set.spec?.selector;
    const own = await claim({
      client,
      owner: set,
      ownerResource: statefulsets,
      ownerReference: controllerRef(statefulsets, set),
      selector,
      resource: pods,
      informer: podInformer,
      candidates: candidatesOf(podInformer, set),
      mayAdopt: (pod) => ordinalOf(set, pod) !== undefined,
    });
    const history = await syncHistory({
      client,
      informer: revisions,
      resource: statefulsets,
      owner: set,
      selector,
      template: set.spec?.template,
      collisionCount: set.status?.collisionCount || undefined,
    });
    const update = history.current;
    const current = history.all.find((r) => r.metadata.name === set.status?.currentRevision) ?? update;
    const input: StatefulInput = {
      set,
      pods: own,
      current: current.metadata.name ?? '',
      update: update.metadata.name ?? '',
      now: now(),
    };
    let failure: unknown;
    if (set.metadata.deletionTimestamp === undefined) {
      try {
        await retain(set, own);
        const plan = planStatefulSet(input);
        for (const pod of [...plan.recreate, ...plan.remove]) await deletePod(set, pod);
        for (const { ordinal, revision } of plan.create) {
          await createPod(set, ordinal, templateOf(revision === input.current ? current : update), revision);
        }
      } catch (error) {
        failure = error;
      }
    }
    const after = podInformer.byIndex('owner', set.metadata.uid ?? '');
    const status = statefulStatus({ ...input, pods: after }, history.collisionCount);
    await committer.commitStatus(set, { ...set, status });
    const live = new Set([...after.map(revisionOf), input.current, input.update]);
    await truncateHistory(client, history, set.spec?.revisionHistoryLimit ?? 10, live);
    if (failure !== undefined && !isNamespaceTerminating(failure)) throw failure;
    return { requeueAfterMs: nextAvailableMs(after, set.spec?.minReadySeconds ?? 0, now()) };
  };

  return createController({
    name: 'statefulset',
    log: context.log.child('statefulset'),
    watches: (queue) => [
      watching(queue, informer),
      watching(queue, podInformer, (pod) => {
        if (controllerOf(pod)) return ownerKey(statefulsets, pod);
        return informer
          .list(pod.metadata.namespace)
          .filter((s) => labelSelectorMatches(s.spec?.selector, pod.metadata.labels))
          .map(keyOf);
      }),
      watching(queue, claims, () => undefined),
      watching(queue, revisions, () => undefined),
    ],
    reconcile,
  });
}
