import type { HorizontalPodAutoscalerSpec, HPAScalingPolicy, HPAScalingRules } from '../../api/gen/autoscaling-v2.ts';

/** What an autoscaler remembers between two looks at its target: in memory only, as upstream. */
export interface Memory {
  /** What metrics asked for. */
  readonly recommendations: { replicas: number; at: number }[];
  /** What was done; the change is positive. */
  readonly ups: { change: number; at: number }[];
  readonly downs: { change: number; at: number }[];
}

/** How long a higher recommendation holds back a lower one where the autoscaler does not say. */
const stabilizationMs = 5 * 60_000;

export interface Limited {
  readonly replicas: number;
  /** For the condition AbleToScale. */
  readonly able: { reason: string; message: string };
  /** For the condition ScalingLimited. */
  readonly limited: { status: 'True' | 'False'; reason: string; message: string };
}

const ready = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const heldUp = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
};
const heldDown = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
};

type Reason = readonly [reason: string, message: string];
const inRange: Reason = ['DesiredWithinRange', 'the desired count is within the acceptable range'];
const tooFew: Reason = ['TooFewReplicas', 'the desired replica count is less than the minimum replica count'];
const tooMany: Reason = ['TooManyReplicas', 'the desired replica count is more than the maximum replica count'];
const tooFastUp: Reason = [
  'ScaleUpLimit',
  'the desired replica count is increasing faster than the maximum scale rate',
];
const tooFastDown: Reason = [
  'ScaleDownLimit',
  'the desired replica count is decreasing faster than the maximum scale rate',
];

const limited = (replicas: number, asked: number, [reason, message]: Reason): Limited['limited'] => ({
  status: replicas === asked ? 'False' : 'True',
  reason,
  message,
});

function forget(list: { at: number }[], before: number): void {
  for (let i = list.length - 1; i >= 0; i--) if ((list[i]?.at ?? 0) < before) list.splice(i, 1);
}

export interface LimitRequest {
  readonly spec: HorizontalPodAutoscalerSpec;
  readonly memory: Memory;
  readonly current: number;
  /** What the metrics ask for. */
  readonly desired: number;
  readonly minimum: number;
  readonly now: number;
}

/** The size that the target gets: what was asked for, held back by the past, the limits and the allowed speed. */
export const limitReplicas = (request: LimitRequest): Limited =>
  request.spec.behavior ? byBehavior(request) : byDefault(request);

function byDefault({ spec, memory, current, desired, minimum, now }: LimitRequest): Limited {
  forget(memory.recommendations, now - stabilizationMs);
  const asked = Math.max(desired, ...memory.recommendations.map(({ replicas }) => replicas));
  memory.recommendations.push({ replicas: desired, at: now });
  const fastest = Math.max(2 * current, 4);
  const [most, reason] = spec.maxReplicas > fastest ? [fastest, tooFastUp] : [spec.maxReplicas, tooMany];
  const [replicas, why] =
    asked < minimum
      ? ([minimum, tooFew] as const)
      : asked > most
        ? ([most, reason] as const)
        : ([asked, inRange] as const);
  return { replicas, able: asked === desired ? ready : heldDown, limited: limited(replicas, asked, why) };
}

const changed = (list: Memory['ups'], { periodSeconds }: HPAScalingPolicy, now: number): number =>
  list.reduce((total, { change, at }) => (at > now - periodSeconds * 1000 ? total + change : total), 0);

/** The farthest size that the rules allow now. `direction` is 1 for growing, -1 for shrinking. */
function rateLimit(rules: HPAScalingRules, direction: 1 | -1, { memory, current, now }: LimitRequest): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const sizes = (rules.policies ?? []).map((policy) => {
    const begin = current - changed(memory.ups, policy, now) + changed(memory.downs, policy, now);
    if (policy.type === 'Pods') return begin + direction * policy.value;
    const size = begin * (1 + (direction * policy.value) / 100);
    return direction === 1 ? Math.ceil(size) : Math.trunc(size);
  });
  const farthest = rules.selectPolicy === 'Min' ? -direction : direction;
  const size = farthest === 1 ? Math.max(...sizes) : Math.min(...sizes);
  return direction === 1 ? Math.max(size, current) : Math.min(size, current);
}

function byBehavior(request: LimitRequest): Limited {
  const { spec, memory, current, desired, minimum, now } = request;
  const up = spec.behavior?.scaleUp ?? {};
  const down = spec.behavior?.scaleDown ?? {};
  const upMs = (up.stabilizationWindowSeconds ?? 0) * 1000;
  const downMs =
    down.stabilizationWindowSeconds === undefined ? stabilizationMs : down.stabilizationWindowSeconds * 1000;
  const { recommendations } = memory;
  const lately = (ms: number): number[] =>
    recommendations.filter(({ at }) => at > now - ms).map(({ replicas }) => replicas);
  const lowest = Math.min(desired, ...lately(upMs));
  const highest = Math.max(desired, ...lately(downMs));
  const asked = Math.min(Math.max(current, lowest), highest);
  forget(recommendations, now - Math.max(upMs, downMs));
  recommendations.push({ replicas: desired, at: now });
  const able = asked === desired ? ready : desired >= current ? heldUp : heldDown;

  if (asked > current) {
    const fastest = rateLimit(up, 1, request);
    const [most, why] = spec.maxReplicas > fastest ? [fastest, tooFastUp] : [spec.maxReplicas, tooMany];
    if (asked > most) return { replicas: most, able, limited: limited(most, asked, why) };
  } else if (asked < current) {
    const slowest = rateLimit(down, -1, request);
    const [least, why] = minimum < slowest ? [slowest, tooFastDown] : [minimum, tooFew];
    if (asked < least) return { replicas: least, able, limited: limited(least, asked, why) };
  }
  return { replicas: asked, able, limited: limited(asked, asked, inRange) };
}

/** Keeps a change in mind for as long as a policy may ask for it. */
export function remember(
  memory: Memory,
  spec: HorizontalPodAutoscalerSpec,
  from: number,
  to: number,
  now: number,
): void {
  if (!spec.behavior) return;
  const [list, rules] = to > from ? [memory.ups, spec.behavior.scaleUp] : [memory.downs, spec.behavior.scaleDown];
  const longest = Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds));
  forget(list, now - longest * 1000);
  list.push({ change: Math.abs(to - from), at: now });
}
