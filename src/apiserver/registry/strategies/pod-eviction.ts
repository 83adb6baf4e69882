import type { Pod } from '../../../api/gen/core-v1.ts';
import type { Eviction, PodDisruptionBudget } from '../../../api/gen/policy-v1.ts';
import { labelSelectorMatches } from '../../../api/selectors.ts';
import { ApiError, badRequest, forbidden, invalid, plainFailure } from '../../../api/status.ts';
import { contextWith, timestamp } from '../core.ts';
import type { DeleteOptions, Draft, Place, StrategyContext, SubresourceBehaviour } from '../types.ts';
import { draftOf, readOf, success } from './of.ts';
import { isConflict, setCondition } from './pod-binding.ts';

const budgetCause = 'DisruptionBudget';
const mostDisrupted = 2000;
const violation = "Cannot evict pod as it would violate the pod's disruption budget.";
const attempts = 20;

/** POST on `eviction`: a deletion that the disruption budgets of the pod agree to. */
export const eviction: SubresourceBehaviour = {
  check({ name }, given, { dryRun }) {
    const { metadata, deleteOptions } = draftOf<Eviction>(given);
    if (metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object');
    if (deleteOptions?.ignoreStoreReadErrorWithClusterBreakingPotential) throw invalid(kind, name, [unreadable]);
    if (deleteOptions && dryRun) deleteOptions.dryRun ??= ['All'];
  },
  create: evictPod,
};

const kind = { group: 'policy', kind: 'Eviction' };

const unreadable = {
  reason: 'FieldValueInvalid',
  message: 'Invalid value: true: can not be set for pod eviction, try after removing the option',
  field: 'deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential',
};

async function evictPod(place: Place, given: Draft, context: StrategyContext): Promise<Draft> {
  const options = (draftOf<Eviction>(given).deleteOptions ?? {}) as DeleteOptions & { dryRun?: string[] };
  const dryRun = context.dryRun || (options.dryRun?.length ?? 0) > 0;
  const deletion: DeleteOptions = {
    gracePeriodSeconds: options.gracePeriodSeconds,
    propagationPolicy: options.propagationPolicy,
    preconditions: options.preconditions,
  };
  const stored = await context.registry.store('', 'pods').get(place);
  const pod = readOf<Pod>(stored.object);
  if (!needsBudget(pod)) {
    await evict(place, deletion, context, dryRun);
    return success();
  }
  const budgets = await budgetsOf(pod, context);
  if (budgets.length > 1) {
    throw plainFailure(
      500,
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  const [budget] = budgets;
  const free = budget === undefined || freeToGo(pod, budget);
  if (!free && budget) await takeDisruption(place, budget, context, dryRun);
  const pinned = free && budget !== undefined && deletion.preconditions?.resourceVersion === undefined;
  if (pinned) {
    deletion.preconditions = { ...deletion.preconditions, resourceVersion: pod.metadata.resourceVersion };
  }
  try {
    await evict(place, deletion, context, dryRun);
  } catch (error) {
    if (pinned && budget && isConflict(error)) throw stillProcessed(budget);
    throw error;
  }
  return success();
}

/** Pods that are over, not begun or already going are no disruption. */
function needsBudget({ metadata, status }: Readonly<Pod>): boolean {
  return (
    !metadata.deletionTimestamp &&
    status?.phase !== 'Succeeded' &&
    status?.phase !== 'Failed' &&
    status?.phase !== 'Pending'
  );
}

async function budgetsOf(pod: Readonly<Pod>, { registry }: StrategyContext): Promise<PodDisruptionBudget[]> {
  const namespace = pod.metadata.namespace ?? '';
  const { items } = await registry.store('policy', 'poddisruptionbudgets').list({ namespace });
  return items
    .map((item) => readOf<PodDisruptionBudget>(item.object))
    .filter((budget) => labelSelectorMatches(budget.spec?.selector, pod.metadata.labels));
}

/** Pods that are not ready may go without using the budget up, where it allows that. */
function freeToGo(pod: Readonly<Pod>, { spec, status }: PodDisruptionBudget): boolean {
  if (pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const desired = status?.desiredHealthy ?? 0;
  return desired > 0 && (status?.currentHealthy ?? 0) >= desired;
}

async function takeDisruption(
  pod: Place,
  budget: PodDisruptionBudget,
  context: StrategyContext,
  dryRun: boolean,
): Promise<void> {
  const place = { namespace: pod.namespace, name: budget.metadata.name ?? '' };
  const store = context.registry.store('policy', 'poddisruptionbudgets');
  for (let attempt = 1; ; attempt++) {
    try {
      await store.modify({ context: contextWith(context, { dryRun }), place, subresource: 'status' }, (draft) => {
        take(draftOf<PodDisruptionBudget>(draft), pod.name);
        return draft;
      });
      return;
    } catch (error) {
      if (!isConflict(error) || attempt === attempts) throw error;
    }
  }
}

function take(budget: PodDisruptionBudget, podName: string): void {
  const { metadata, status } = budget;
  const name = metadata.name ?? '';
  const resource = { group: 'policy', resource: 'poddisruptionbudget' };
  if (!status || (status.observedGeneration ?? 0) < (metadata.generation ?? 0)) throw stillProcessed(budget);
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed < 0) throw forbidden(resource, name, 'pdb disruptions allowed is negative');
  if (Object.keys(status.disruptedPods ?? {}).length > mostDisrupted) {
    throw forbidden(resource, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (allowed === 0) throw refused(whyNotAllowed(budget), 0);
  status.disruptionsAllowed = allowed - 1;
  if (status.disruptionsAllowed === 0) {
    const others = (status.conditions ?? []).filter((c) => c.type !== 'DisruptionAllowed');
    status.conditions = [
      ...others,
      {
        type: 'DisruptionAllowed',
        status: 'False',
        reason: 'InsufficientPods',
        message: '',
        observedGeneration: status.observedGeneration,
        lastTransitionTime: timestamp(),
      },
    ];
  }
  status.disruptedPods = { ...status.disruptedPods, [podName]: timestamp() };
}

function whyNotAllowed({ metadata, status }: PodDisruptionBudget): string {
  const budget = `The disruption budget ${metadata.name}`;
  const condition = status?.conditions?.find(
    (c) => c.type === 'DisruptionAllowed' && c.status === 'False' && c.message,
  );
  if (condition?.reason === 'SyncFailed')
    return `${budget} does not allow evicting pods currently because it failed sync: ${condition.message}`;
  if ((status?.currentHealthy ?? 0) <= (status?.desiredHealthy ?? 0))
    return `${budget} needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`;
  if (condition) return `${budget} does not allow evicting pods currently (${condition.reason}): ${condition.message}`;
  return `${budget} does not allow evicting pods currently`;
}

function stillProcessed(budget: PodDisruptionBudget): ApiError {
  return refused(`The disruption budget ${budget.metadata.name} is still being processed by the server.`, 10);
}

function refused(message: string, retryAfterSeconds: number): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: violation,
    reason: 'TooManyRequests',
    details: {
      causes: [{ reason: budgetCause, message }],
      ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
    },
    code: 429,
  });
}

async function evict(place: Place, deletion: DeleteOptions, context: StrategyContext, dryRun: boolean): Promise<void> {
  let options = deletion;
  if (!dryRun) {
    const marked = await context.registry
      .store('', 'pods')
      .modify({ context, place, subresource: 'status' }, (draft) => {
        const { uid, resourceVersion } = deletion.preconditions ?? {};
        if (resourceVersion !== undefined) draft.metadata.resourceVersion = resourceVersion;
        else delete draft.metadata.resourceVersion;
        if (uid !== undefined) draft.metadata.uid = uid;
        setCondition(draftOf<Pod>(draft), {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'EvictionByEvictionAPI',
          message: 'Eviction API: evicting',
        });
        return draft;
      });
    if (deletion.preconditions?.resourceVersion !== undefined) {
      const preconditions = { ...deletion.preconditions, resourceVersion: String(marked.revision) };
      options = { ...deletion, preconditions };
    }
  }
  await context.remove(place, options);
}
