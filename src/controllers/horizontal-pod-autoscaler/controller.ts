import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
  MetricStatus,
} from '../../api/gen/autoscaling-v2.ts';
import { horizontalpodautoscalers, pods } from '../../api/gen/resources.ts';
import { resourcePath } from '../../api/object.ts';
import { type LabelRequirements, matchesLabels, parseLabelSelector } from '../../api/selectors.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import { referenceTo } from '../../client/events.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import { createCommitter } from '../runtime/committer.ts';
import { withCondition } from '../runtime/conditions.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { discover } from '../runtime/discovery.ts';
import { timeText } from '../runtime/time.ts';
import { limitReplicas, type Memory, remember } from './limits.ts';
import { createMetricsClient, type MetricsClient } from './metrics-client.ts';
import { MetricFailure, type Proposal, propose, tolerancesOf } from './proposals.ts';

/** How often each autoscaler looks at its target. */
const syncMs = 15_000;

interface Scale {
  metadata: { name: string; resourceVersion?: string };
  spec?: { replicas?: number };
  status?: { replicas?: number; selector?: string };
}

type Condition = { type: string; status: string; reason: string; message: string };

/** What is found out about one autoscaler on its way to a new status. */
interface Round {
  readonly hpa: HorizontalPodAutoscaler;
  status: HorizontalPodAutoscalerStatus;
}

/** Sets the size of workloads by what they use, as HorizontalPodAutoscalers ask. */
export function createHorizontalPodAutoscaler(
  context: ControllerContext,
  metrics: MetricsClient = createMetricsClient(context.client),
): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(horizontalpodautoscalers);
  const podInformer = informers.informer(pods);
  const recorder = context.recorder('horizontal-pod-autoscaler');
  const committer = createCommitter({ client, resource: horizontalpodautoscalers, informer });
  const log = context.log.child('horizontal-pod-autoscaler');
  const memories = new Map<string, Memory>();
  /** The pods of each autoscaler's target, as its scale told them last. */
  const selected = new Map<string, LabelRequirements>();

  const tell = ({ hpa }: Round, type: 'Normal' | 'Warning', reason: string, message: string): void =>
    recorder.event(referenceTo(horizontalpodautoscalers, hpa), type, reason, message);

  const set = (round: Round, condition: Condition): void => {
    round.status = { ...round.status, conditions: withCondition(round.status.conditions, condition, now()) };
  };
  const able = (round: Round, status: string, reason: string, message: string): void =>
    set(round, { type: 'AbleToScale', status, reason, message });

  /** The scale's path and what it says now; undefined, and said so, when it cannot be read. */
  const readScale = async (round: Round): Promise<{ path: string; scale: Scale } | undefined> => {
    const { hpa } = round;
    const { apiVersion = '', kind, name } = hpa.spec.scaleTargetRef;
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
    try {
      const { resources } = await discover(client);
      const resource = resources.find((one) => one.group === group && one.kind === kind);
      if (!resource) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
      const path = resourcePath(resource, { namespace: hpa.metadata.namespace, name, subresource: 'scale' });
      const scale = (await client.raw({ method: 'GET', path })) as Scale;
      able(round, 'True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale");
      return { path, scale };
    } catch (error) {
      const why = messageOf(error);
      tell(round, 'Warning', 'FailedGetScale', why);
      able(round, 'False', 'FailedGetScale', `the HPA controller was unable to get the target's current scale: ${why}`);
      return undefined;
    }
  };

  /** Throws the text of the condition after having set it, where the pods of the target cannot be told. */
  const podsOf = (round: Round, { status }: Scale) => {
    const selector = status?.selector ?? '';
    const refuse = (event: string, reason: string, message: string, why = message): never => {
      tell(round, 'Warning', event, message);
      set(round, { type: 'ScalingActive', status: 'False', reason, message: why });
      throw new Error(message);
    };
    if (selector === '')
      return refuse(
        'SelectorRequired',
        'InvalidSelector',
        'selector is required',
        "the HPA target's scale is missing a selector",
      );
    let requirements: LabelRequirements;
    try {
      requirements = parseLabelSelector(selector);
    } catch (error) {
      const message = `couldn't convert selector into a corresponding internal selector object: ${messageOf(error)}`;
      return refuse('InvalidSelector', 'InvalidSelector', message);
    }
    const { namespace = '' } = round.hpa.metadata;
    selected.set(keyOf(round.hpa), requirements);
    const found = podInformer.list(namespace).filter((pod) => matchesLabels(requirements, pod.metadata.labels));
    const rivals = [...selected]
      .map(([key, theirs]) => ({ ...splitKey(key), theirs }))
      .filter(
        (one) => one.namespace === namespace && found.some((pod) => matchesLabels(one.theirs, pod.metadata.labels)),
      );
    if (rivals.length > 1) {
      const names = rivals.map(({ name }) => `${namespace}/${name}`).join(' ');
      const message = `pods by selector ${selector} are controlled by multiple HPAs: [${names}]`;
      return refuse('AmbiguousSelector', 'AmbiguousSelector', message);
    }
    return { selector, pods: found };
  };

  /**
   * The largest proposal of all metrics. Undefined when none can be had, or when one fails and the others would take
   * pods away: what fails might have asked for them.
   */
  const proposal = async (
    round: Round,
    scale: Scale,
  ): Promise<{ best?: Proposal; statuses: MetricStatus[]; failure?: string }> => {
    const { hpa } = round;
    const replicas = scale.spec?.replicas ?? 0;
    const specs = hpa.spec.metrics ?? [];
    const found: Proposal[] = [];
    const failures: MetricFailure[] = [];
    try {
      const target = {
        ...podsOf(round, scale),
        namespace: hpa.metadata.namespace ?? '',
        replicas,
        running: scale.status?.replicas ?? 0,
        tolerances: tolerancesOf(hpa.spec),
        now: now(),
      };
      for (const spec of specs) {
        try {
          found.push(await propose(metrics, target, spec));
        } catch (error) {
          if (!(error instanceof MetricFailure)) throw error;
          tell(round, 'Warning', error.reason, error.why);
          failures.push(error);
        }
      }
    } catch (error) {
      return { statuses: [], failure: messageOf(error) };
    }
    const statuses = found.map(({ status }) => status);
    const best = found.reduce<Proposal | undefined>(
      (most, one) => (most === undefined || one.replicas > most.replicas ? one : most),
      undefined,
    );
    const [first] = failures;
    const failure =
      first && `invalid metrics (${failures.length} invalid out of ${specs.length}), first error is: ${first.message}`;
    if (first && failure && (best === undefined || best.replicas < replicas)) {
      const message = `the HPA was unable to compute the replica count: ${first.why}`;
      set(round, { type: 'ScalingActive', status: 'False', reason: first.reason, message });
      return { statuses, failure };
    }
    if (best === undefined) return { statuses, failure: 'the autoscaler names no metric' };
    const message = `the HPA was able to successfully calculate a replica count from ${best.metric}`;
    set(round, { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound', message });
    return { best, statuses };
  };

  /** The size that the target should have, and why; undefined when nothing is to be changed. */
  const decide = async (
    round: Round,
    scale: Scale,
    memory: Memory,
  ): Promise<{ replicas: number; reason: string; statuses: MetricStatus[] } | undefined> => {
    const { spec } = round.hpa;
    const current = scale.spec?.replicas ?? 0;
    const minimum = spec.minReplicas ?? 1;
    if (current === 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      set(round, { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message });
      return { replicas: 0, reason: '', statuses: [] };
    }
    if (current > spec.maxReplicas)
      return { replicas: spec.maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas', statuses: [] };
    if (current < minimum)
      return { replicas: minimum, reason: 'Current number of replicas below Spec.MinReplicas', statuses: [] };
    const { best, statuses, failure } = await proposal(round, scale);
    if (best === undefined) {
      round.status = { ...round.status, currentMetrics: statuses };
      tell(round, 'Warning', 'FailedComputeMetricsReplicas', failure ?? '');
      return undefined;
    }
    const limited = limitReplicas({ spec, memory, current, desired: best.replicas, minimum, now: now() });
    able(round, 'True', limited.able.reason, limited.able.message);
    set(round, { type: 'ScalingLimited', ...limited.limited });
    const reason = best.replicas > current ? `${best.metric} above target` : 'All metrics below target';
    return { replicas: limited.replicas, reason, statuses };
  };

  const rescale = async (round: Round, path: string, scale: Scale, replicas: number, reason: string): Promise<void> => {
    try {
      let latest = scale;
      for (let attempt = 0; ; attempt++) {
        try {
          await client.raw({ method: 'PUT', path, body: { ...latest, spec: { ...latest.spec, replicas } } });
          break;
        } catch (error) {
          if (!isApiError(error, 'Conflict') || attempt >= 4) throw error;
          latest = (await client.raw({ method: 'GET', path })) as Scale;
        }
      }
    } catch (error) {
      const why = messageOf(error);
      tell(round, 'Warning', 'FailedRescale', `New size: ${replicas}; reason: ${reason}; error: ${why}`);
      able(round, 'False', 'FailedUpdateScale', `the HPA controller was unable to update the target scale: ${why}`);
      throw error;
    }
    const message = `the HPA controller was able to update the target scale to ${replicas}`;
    able(round, 'True', 'SucceededRescale', message);
    tell(round, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`);
  };

  const look = async (round: Round, memory: Memory): Promise<void> => {
    const { hpa } = round;
    const target = await readScale(round);
    if (!target) return;
    const current = target.scale.spec?.replicas ?? 0;
    if (memory.recommendations.length === 0) memory.recommendations.push({ replicas: current, at: now() });
    round.status = { ...round.status, currentReplicas: current };
    const decided = await decide(round, target.scale, memory);
    if (!decided) return;
    round.status = { ...round.status, currentMetrics: decided.statuses };
    if (decided.replicas !== current) {
      await rescale(round, target.path, target.scale, decided.replicas, decided.reason);
      remember(memory, hpa.spec, current, decided.replicas, now());
      round.status = { ...round.status, lastScaleTime: timeText(now()) };
    }
    round.status = { ...round.status, desiredReplicas: decided.replicas };
  };

  return createController({
    name: 'horizontal-pod-autoscaler',
    log,
    watches: (queue) => [
      watching(queue, informer, keyOf, (hpa, old) => hpa.metadata.generation !== old.metadata.generation),
      watching(queue, podInformer, () => undefined),
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const hpa = informer.get(name, namespace);
      if (!hpa) {
        memories.delete(key);
        selected.delete(key);
        return undefined;
      }
      const memory = memories.get(key) ?? { recommendations: [], ups: [], downs: [] };
      memories.set(key, memory);
      const status = { ...hpa.status, desiredReplicas: hpa.status?.desiredReplicas ?? 0 };
      const round: Round = { hpa, status: { ...status, observedGeneration: hpa.metadata.generation } };
      try {
        await look(round, memory);
      } finally {
        await committer.commitStatus(hpa, { ...hpa, status: round.status });
      }
      return { requeueAfterMs: syncMs };
    },
  });
}
