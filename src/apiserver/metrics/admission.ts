import { createHistograms, type Series } from './histogram.ts';
import { type Family, renderFamilies } from './text.ts';

export type AdmissionType = 'admit' | 'validate';
export type AdmissionTold = (ms: number, rejected: boolean) => void;

/** What admission costs and refuses, under upstream's names. Times are in milliseconds. */
export interface AdmissionMetrics {
  /** Gives what counts the time of one plug-in on one operation. */
  plugin(name: string, operation: string, type: AdmissionType): AdmissionTold;
  /** Gives what counts the time of all of them together. */
  step(operation: string, type: AdmissionType): AdmissionTold;
  webhook(name: string, type: 'admit' | 'validating', operation: string, outcome: WebhookOutcome): void;
  policy(name: string, binding: string, action: string, ms: number): void;
  /** Match conditions of a webhook or a policy are looked at, until the returned function is called. */
  conditions(of: ConditionsOf, operation: string): (outcome: ConditionsOutcome) => void;
  mutatingPolicy(name: string, binding: string, good: boolean, ms: number): void;
  render(): string;
}

export interface ConditionsOf {
  readonly kind: 'webhook' | 'policy';
  readonly name: string;
  readonly type: 'admit' | 'validating' | 'validate';
}

/** `excluded`: one does not hold; `failed`: one cannot be evaluated. */
export type ConditionsOutcome = 'hold' | 'excluded' | 'failed';

export interface WebhookOutcome {
  readonly ms: number;
  readonly rejected: boolean;
  /** What the webhook answered, or stands for why it could not. */
  readonly code: number;
  /** Why it was rejected, in upstream's words; undefined: it was not. */
  readonly error?: 'calling_webhook_error' | 'no_error' | 'apiserver_internal_error' | undefined;
  readonly failedOpen?: boolean;
}

const bounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
const policyBounds = [0.0000005, 0.001, 0.01, 0.1, 1];
const labels = ['name', 'operation', 'rejected', 'type'];

/** Refusals are few: their series is made when there is one. */
function told(seriesOf: (rejected: 'true' | 'false') => Series): AdmissionTold {
  const passed = seriesOf('false');
  return (ms, rejected) => (rejected ? seriesOf('true') : passed).observe(ms / 1000);
}

export function createAdmissionMetrics(): AdmissionMetrics {
  const named = (what: string, help: string, more: readonly number[] = []) =>
    createHistograms({
      name: `apiserver_admission_${what}_admission_duration_seconds`,
      help,
      labels: what === 'step' ? labels.slice(1) : labels,
      bounds: [...bounds, ...more],
    });
  const plugins = named('controller', 'Time of each admission plug-in.');
  const steps = named('step', 'Time of all of them together, by step.');
  const webhooks = named('webhook', 'Time of each admission webhook.', [10, 25]);
  const policies = createHistograms({
    name: 'apiserver_validating_admission_policy_check_duration_seconds',
    help: 'Time of each validating policy.',
    labels: ['enforcement_action', 'error_type', 'policy', 'policy_binding'],
    bounds: policyBounds,
  });
  const mutatingPolicies = createHistograms({
    name: 'apiserver_mutating_admission_policy_check_duration_seconds',
    help: 'Time of each mutating policy.',
    labels: ['error_type', 'policy', 'policy_binding'],
    bounds: policyBounds,
  });
  const conditions = createHistograms({
    name: 'apiserver_admission_match_condition_evaluation_seconds',
    help: 'Time to see whether match conditions hold.',
    labels: ['kind', 'name', 'operation', 'type'],
    bounds: [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25],
  });
  const counters = new Map<string, Map<string, { labels: Record<string, string>; value: number }>>();
  const count = (name: string, its: Record<string, string>): void => {
    const family = counters.get(name) ?? new Map<string, { labels: Record<string, string>; value: number }>();
    counters.set(name, family);
    const key = Object.values(its).join('\n');
    const sample = family.get(key) ?? { labels: its, value: 0 };
    sample.value++;
    if (family.has(key) || family.size < 2000) family.set(key, sample);
  };
  return {
    plugin: (name, operation, type) => told((rejected) => plugins.of(name, operation, rejected, type)),
    step: (operation, type) => told((rejected) => steps.of(operation, rejected, type)),
    webhook(name, type, operation, { ms, rejected, code, error, failedOpen }) {
      webhooks.of(name, operation, String(rejected), type).observe(ms / 1000);
      const its = { name, type, operation };
      count('apiserver_admission_webhook_request_total', { ...its, code: String(code), rejected: String(rejected) });
      if (error)
        count('apiserver_admission_webhook_rejection_count', {
          ...its,
          error_type: error,
          rejection_code: String(error === 'no_error' ? code : 0),
        });
      if (failedOpen) count('apiserver_admission_webhook_fail_open_count', { name, type });
    },
    policy(policy, binding, action, ms) {
      const its = { enforcement_action: action, error_type: 'no_error', policy, policy_binding: binding };
      policies.of(...Object.values(its)).observe(ms / 1000);
      count('apiserver_validating_admission_policy_check_total', its);
    },
    conditions({ kind, name, type }, operation) {
      const its = { kind, name, operation, type };
      const began = performance.now();
      return (outcome) => {
        conditions.of(...Object.values(its)).observe((performance.now() - began) / 1000);
        if (outcome === 'failed') count('apiserver_admission_match_condition_evaluation_errors_total', its);
        if (outcome !== 'excluded' || kind !== 'webhook') return;
        const shown = type === 'validating' ? 'validate' : type;
        count('apiserver_admission_match_condition_exclusions_total', { ...its, type: shown });
      };
    },
    mutatingPolicy(policy, binding, good, ms) {
      const its = { error_type: good ? 'no_error' : 'invalid_error', policy, policy_binding: binding };
      mutatingPolicies.of(...Object.values(its)).observe(ms / 1000);
      count('apiserver_mutating_admission_policy_check_total', its);
    },
    render() {
      const families = [...counters].map(
        ([name, samples]): Family => ({
          name,
          type: 'counter',
          help: 'Since the start.',
          samples: [...samples.values()],
        }),
      );
      return (
        plugins.render() +
        steps.render() +
        webhooks.render() +
        policies.render() +
        mutatingPolicies.render() +
        conditions.render() +
        renderFamilies(families)
      );
    },
  };
}
