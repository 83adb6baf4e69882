import type { Deployment, DeploymentCondition, ReplicaSet } from '../../api/gen/apps-v1.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { deployments } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { Step } from '../runtime/controller.ts';
import { controllerOf, controllerRef } from '../runtime/owners.ts';
import { isNamespaceTerminating } from '../runtime/pod-control.ts';
import { isTerminal } from '../runtime/pods.ts';
import { templateHash } from '../runtime/template-hash.ts';
import {
  annotation,
  byCreation,
  byRevision,
  findNew,
  hashLabel,
  highestRevision,
  isComplete,
  isRolling,
  newReplicas,
  newSetAnnotations,
  replicasOf,
  revisionOf,
  sizeAnnotations,
} from './replica-sets.ts';
import { isScaled, type Sizes, scaledSizes, shrinkOld } from './scale.ts';
import { hasDeadline, type NewCondition, progressing, setCondition } from './status.ts';

/** One deployment as it is being reconciled; the sets are kept as they are after each write. */
export interface Rollout {
  deployment: Deployment;
  sets: ReplicaSet[];
  fresh: ReplicaSet | undefined;
  conditions: readonly DeploymentCondition[] | undefined;
  /** A collision of names was met: counted in the status. */
  collisionCount: number | undefined;
  /** What has happened is a matter of scaling or pausing: progress is not judged. */
  progressJudged: boolean;
  readonly now: number;
  readonly api: RolloutApi;
}

/** What a roll-out does to the world. */
export interface RolloutApi {
  createSet(set: ReplicaSet): Promise<ReplicaSet>;
  commitSet(old: ReplicaSet, next: ReplicaSet): Promise<ReplicaSet>;
  deleteSet(set: ReplicaSet): Promise<void>;
  knownSet(name: string): ReplicaSet | undefined;
  podsOf(set: ReplicaSet): readonly Pod[];
  commit(old: Deployment, next: Deployment): Promise<Deployment>;
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
}

export const oldSets = (state: Rollout): ReplicaSet[] =>
  state.sets.filter((rs) => rs.metadata.uid !== state.fresh?.metadata.uid);

function note(state: Rollout, condition: NewCondition): void {
  state.conditions = setCondition(state.conditions, condition, state.now);
}

function replace(state: Rollout, old: ReplicaSet, next: ReplicaSet): void {
  state.sets = state.sets.map((rs) => (rs === old ? next : rs));
  if (state.fresh === old) state.fresh = next;
}

async function resize(state: Rollout, sizes: Sizes): Promise<boolean> {
  const { deployment, api } = state;
  let changed = false;
  for (const { set, replicas, always } of sizes) {
    const before = replicasOf(set);
    if (!always && before === replicas) continue;
    const annotations = { ...set.metadata.annotations, ...sizeAnnotations(deployment) };
    const next = {
      ...set,
      metadata: { ...set.metadata, annotations },
      spec: { ...set.spec, replicas } as ReplicaSet['spec'],
    };
    const written = await api.commitSet(set, next as ReplicaSet);
    replace(state, set, written);
    if (before === replicas) continue;
    changed = true;
    const way = before < replicas ? 'up' : 'down';
    api.event(
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${way} replica set ${set.metadata.name} from ${before} to ${replicas}`,
    );
  }
  return changed;
}

/** A pause and its end are told by the Progressing condition, unless that tells of a time-out. */
export const notePause: Step<Rollout> = (state) => {
  const { deployment } = state;
  const known = state.conditions?.find((c) => c.type === 'Progressing');
  if (!hasDeadline(deployment) || known?.reason === 'ProgressDeadlineExceeded') return undefined;
  const paused = known?.reason === 'DeploymentPaused';
  if (deployment.spec?.paused && !paused)
    note(state, progressing('Unknown', 'DeploymentPaused', 'Deployment is paused'));
  if (!deployment.spec?.paused && paused) {
    note(state, progressing('Unknown', 'DeploymentResumed', 'Deployment is resumed'));
  }
  return undefined;
};

/** Revision and annotations of the new set and of the deployment itself. */
export const syncRevision: Step<Rollout> = async (state) => {
  state.fresh = findNew(state.deployment, state.sets);
  if (!state.fresh) return undefined;
  const { deployment, fresh, api } = state;
  const revision = highestRevision(oldSets(state)) + 1n;
  const annotations = newSetAnnotations(deployment, fresh.metadata.annotations, revision, true);
  const minReadySeconds = deployment.spec?.minReadySeconds;
  const next = {
    ...fresh,
    metadata: { ...fresh.metadata, annotations },
    spec: { ...fresh.spec, minReadySeconds } as ReplicaSet['spec'],
  } as ReplicaSet;
  replace(state, fresh, await api.commitSet(fresh, next));
  setRevision(state, annotations[annotation.revision] ?? '1');
  if (hasDeadline(deployment) && !state.conditions?.some((c) => c.type === 'Progressing')) {
    note(state, progressing('True', 'FoundNewReplicaSet', `Found new replica set "${fresh.metadata.name}"`));
  }
  return undefined;
};

/** Written with the status: an annotation changed otherwise would count as a new generation. */
function setRevision(state: Rollout, revision: string): void {
  const { deployment } = state;
  if (deployment.metadata.annotations?.[annotation.revision] === revision) return;
  const annotations = { ...deployment.metadata.annotations, [annotation.revision]: revision };
  state.deployment = { ...deployment, metadata: { ...deployment.metadata, annotations } };
}

/** The deprecated annotation that asks for an older template. */
export const rollBack: Step<Rollout> = async (state) => {
  const { deployment, api } = state;
  const asked = deployment.metadata.annotations?.[annotation.rollbackTo];
  if (deployment.spec?.paused || !asked || !/^\d+$/.test(asked)) return undefined;
  const { [annotation.rollbackTo]: _asked, ...annotations } = deployment.metadata.annotations ?? {};
  const next = { ...deployment, metadata: { ...deployment.metadata, annotations } };
  const highest = state.sets.toSorted(byRevision).at(-1);
  const revision = BigInt(asked) || highestRevision(state.sets.filter((rs) => rs !== highest));
  const set = state.sets.find((rs) => revision > 0n && revisionOf(rs) === revision);
  if (!set) {
    const what = revision === 0n ? 'Unable to find last revision.' : 'Unable to find the revision to rollback to.';
    api.event('Warning', 'DeploymentRollbackRevisionNotFound', what);
  } else if (set === state.fresh) {
    const name = deployment.metadata.name;
    const message = `The rollback revision contains the same template as current deployment "${name}"`;
    api.event('Warning', 'DeploymentRollbackTemplateUnchanged', message);
  } else {
    const { [hashLabel]: _hash, ...labels } = set.spec?.template?.metadata?.labels ?? {};
    const template = { ...set.spec?.template, metadata: { ...set.spec?.template?.metadata, labels } };
    next.spec = { ...next.spec, template } as Deployment['spec'] & object;
    const message = `Rolled back deployment "${deployment.metadata.name}" to revision ${revision}`;
    api.event('Normal', 'DeploymentRollback', message);
  }
  await api.commit(deployment, next);
  return 'stop';
};

/** Pausing and scaling change sizes only, in proportion; a roll-out goes on after that. */
export const scaleOrPause: Step<Rollout> = async (state) => {
  const { deployment } = state;
  if (!deployment.spec?.paused && !isScaled(deployment, state.sets)) return undefined;
  state.progressJudged = false;
  await resize(state, scaledSizes(deployment, state.fresh, oldSets(state)));
  if (deployment.spec?.paused) await deleteHistory(state);
  return 'stop';
};

/** A deployment that recreates waits until no pod of an old set runs any more. */
export const stopOldFirst: Step<Rollout> = async (state) => {
  if (isRolling(state.deployment)) return undefined;
  const old = oldSets(state);
  const active = old.filter((rs) => replicasOf(rs) > 0);
  if (active.length > 0) {
    await resize(
      state,
      active.map((set) => ({ set, replicas: 0, always: false })),
    );
    return 'stop';
  }
  return old.some((rs) => state.api.podsOf(rs).some((p) => !isTerminal(p))) ? 'stop' : undefined;
};

/** Makes the set for the present template. */
export const ensureNewSet: Step<Rollout> = async (state) => {
  if (state.fresh) return undefined;
  const { deployment, api } = state;
  const hash = templateHash(deployment.spec?.template, deployment.status?.collisionCount);
  const name = `${(deployment.metadata.name ?? '').slice(0, 253 - 1 - hash.length)}-${hash}`;
  const revision = highestRevision(state.sets) + 1n;
  const labels = { ...deployment.spec?.template?.metadata?.labels, [hashLabel]: hash };
  const replicas = newReplicas(deployment, state.sets, 0);
  const wanted: ReplicaSet = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: newSetAnnotations(deployment, undefined, revision, false),
      ownerReferences: [controllerRef(deployments, deployment)],
    },
    spec: {
      replicas,
      minReadySeconds: deployment.spec?.minReadySeconds,
      selector: {
        ...deployment.spec?.selector,
        matchLabels: { ...deployment.spec?.selector?.matchLabels, [hashLabel]: hash },
      },
      template: {
        ...deployment.spec?.template,
        metadata: { ...deployment.spec?.template?.metadata, labels },
      },
    },
  };
  let made: ReplicaSet;
  try {
    made = await api.createSet(wanted);
  } catch (error) {
    if (isApiError(error, 'AlreadyExists')) {
      const known = api.knownSet(name);
      const own = known && controllerOf(known)?.uid === deployment.metadata.uid;
      if (!(own && findNew(deployment, [known]))) state.collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
      return 'stop';
    }
    if (isNamespaceTerminating(error)) return 'stop';
    const message = `Failed to create new replica set "${name}": ${messageOf(error)}`;
    if (hasDeadline(deployment)) note(state, progressing('False', 'ReplicaSetCreateError', message));
    api.event('Warning', 'ReplicaSetCreateError', message);
    throw error;
  }
  state.fresh = made;
  state.sets = [...state.sets, made];
  if (replicas > 0) api.event('Normal', 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${replicas}`);
  setRevision(state, String(revision));
  if (hasDeadline(deployment)) {
    note(state, progressing('True', 'NewReplicaSetCreated', `Created new replica set "${name}"`));
  }
  return undefined;
};

/** Up with the new as far as the surge allows, else down with the old as far as availability allows. */
export const roll: Step<Rollout> = async (state) => {
  const { deployment, fresh } = state;
  if (!fresh) return undefined;
  const current = replicasOf(fresh);
  const wanted = replicasOf(deployment);
  const replicas = current > wanted ? wanted : newReplicas(deployment, state.sets, current);
  if (current !== wanted && (await resize(state, [{ set: fresh, replicas, always: false }]))) return undefined;
  if (isRolling(deployment)) await resize(state, shrinkOld(deployment, fresh, oldSets(state)));
  return undefined;
};

export const cleanUp: Step<Rollout> = async (state) => {
  if (isComplete(state.deployment, state.deployment.status)) await deleteHistory(state);
  return undefined;
};

async function deleteHistory(state: Rollout): Promise<void> {
  const limit = state.deployment.spec?.revisionHistoryLimit ?? 10;
  const old = oldSets(state).filter((rs) => rs.metadata.deletionTimestamp === undefined);
  const surplus = old.length - limit;
  if (surplus <= 0) return;
  const sorted = old.toSorted((a, b) => byRevision(a, b) || byCreation(a, b));
  for (const rs of sorted.slice(0, surplus)) {
    const seen = (rs.status?.observedGeneration ?? 0) >= (rs.metadata.generation ?? 0);
    if ((rs.status?.replicas ?? 0) === 0 && replicasOf(rs) === 0 && seen) await state.api.deleteSet(rs);
  }
}

/** The road of a deployment, in order. */
export const rolloutSteps: readonly Step<Rollout>[] = [
  notePause,
  syncRevision,
  rollBack,
  scaleOrPause,
  stopOldFirst,
  ensureNewSet,
  roll,
  cleanUp,
];
