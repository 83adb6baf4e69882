import type { Deployment } from '../../api/gen/apps-v1.ts';
import { deployments, pods, replicasets } from '../../api/gen/resources.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { referenceTo } from '../../client/events.ts';
import { splitKey } from '../../client/informer.ts';
import { candidatesOf, claim } from '../runtime/claim.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, runSteps, watching } from '../runtime/controller.ts';
import { controllerOf, controllerRef, ownerKey } from '../runtime/owners.ts';
import { type Rollout, type RolloutApi, rolloutSteps, syncRevision } from './rollout.ts';
import { baseStatus, progressCheckMs, rolloutStatus } from './status.ts';

export function createDeploymentController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(deployments);
  const sets = informers.informer(replicasets);
  const podInformer = informers.informer(pods);
  const recorder = context.recorder('deployment-controller');
  const committer = createCommitter({ client, resource: deployments, informer });
  const setCommitter = createCommitter({ client, resource: replicasets, informer: sets });

  const apiFor = (deployment: Deployment): RolloutApi => ({
    async createSet(set) {
      const made = await client.create(replicasets, set);
      sets.observe(made);
      return made;
    },
    commitSet: setCommitter.commit,
    async deleteSet({ metadata: { name = '', namespace } }) {
      try {
        await client.delete(replicasets, name, { namespace });
      } catch (error) {
        if (!isApiError(error, 'NotFound')) throw error;
      }
    },
    knownSet: (name) => sets.get(name, deployment.metadata.namespace),
    podsOf: (set) => podInformer.byIndex('owner', set.metadata.uid ?? ''),
    commit: committer.commit,
    event: (type, reason, message) => recorder.event(referenceTo(deployments, deployment), type, reason, message),
  });

  const reconcile = async (key: string): Promise<Outcome> => {
    const { namespace, name } = splitKey(key);
    const deployment = informer.get(name, namespace);
    if (!deployment) return undefined;
    const api = apiFor(deployment);
    const selector = deployment.spec?.selector;
    if (!selector?.matchLabels && !selector?.matchExpressions) {
      api.event('Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.');
      return undefined;
    }
    const own = await claim({
      client,
      owner: deployment,
      ownerResource: deployments,
      ownerReference: controllerRef(deployments, deployment),
      selector,
      resource: replicasets,
      informer: sets,
      candidates: candidatesOf(sets, deployment),
    });
    const state: Rollout = {
      deployment,
      sets: own,
      fresh: undefined,
      conditions: deployment.status?.conditions,
      collisionCount: deployment.status?.collisionCount,
      progressJudged: true,
      now: now(),
      api,
    };
    const deleted = deployment.metadata.deletionTimestamp !== undefined;
    if (deleted) state.progressJudged = false;
    let failure: unknown;
    try {
      await runSteps(deleted ? [syncRevision] : rolloutSteps, state);
    } catch (error) {
      if (isApiError(error, 'Conflict')) throw error;
      failure = error;
    }
    const statusOf = state.progressJudged ? rolloutStatus : baseStatus;
    const status = statusOf(state.deployment, state.fresh, state.sets, state.conditions, state.now);
    const next = { ...state.deployment, status: { ...status, collisionCount: state.collisionCount } };
    await committer.commitStatus(deployment, next);
    if (failure !== undefined) throw failure;
    if (state.collisionCount !== deployment.status?.collisionCount) return { requeueAfterMs: 1 };
    return { requeueAfterMs: progressCheckMs(state.deployment, status, state.now) };
  };

  return createController({
    name: 'deployment',
    log: context.log.child('deployment'),
    watches: (queue) => [
      watching(queue, informer),
      watching(queue, sets, (rs) => {
        if (controllerOf(rs)) return ownerKey(deployments, rs);
        return informer
          .list(rs.metadata.namespace)
          .filter((d) => labelSelectorMatches(d.spec?.selector, rs.metadata.labels))
          .map((d) => `${d.metadata.namespace}/${d.metadata.name}`);
      }),
      // A deployment that recreates waits for the last old pod to be gone.
      {
        ...watching(queue, podInformer, () => undefined),
        delete(pod) {
          const owner = controllerOf(pod);
          const set = owner?.kind === 'ReplicaSet' ? sets.get(owner.name, pod.metadata.namespace) : undefined;
          const deployment = set && ownerKey(deployments, set);
          if (!deployment) return;
          const { namespace, name } = splitKey(deployment);
          if (informer.get(name, namespace)?.spec?.strategy?.type === 'Recreate') queue.add(deployment);
        },
      },
    ],
    reconcile,
  });
}
