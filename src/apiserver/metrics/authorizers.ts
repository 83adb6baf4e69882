import type { Authorizer, Decision } from '../authz/authorizer.ts';
import { createCounters } from './counter.ts';
import { createHistograms, usualBounds } from './histogram.ts';

/** How a webhook was left: it answered, it did not in time, or it could not. */
export type EvaluationResult = 'success' | 'timeout' | 'canceled' | 'error';

/** Which authorizer decided, and how its webhooks did, under upstream's names. Times are in milliseconds. */
export function createAuthorizerMetrics() {
  const decisions = createCounters({
    name: 'apiserver_authorization_decisions_total',
    help: 'Requests that an authorizer has decided about.',
    labels: ['decision', 'name', 'type'],
  });
  const name = 'apiserver_authorization_webhook';
  const labels = ['name', 'result'];
  const asked = createCounters({ name: `${name}_evaluations_total`, help: 'What webhooks were asked.', labels });
  const times = createHistograms({
    name: `${name}_duration_seconds`,
    help: 'And how long.',
    labels,
    bounds: usualBounds,
  });
  const open = createCounters({
    name: `${name}_evaluations_fail_open_total`,
    help: 'Decisions that were left to others, for want of an answer.',
    labels,
  });
  return {
    /** The same authorizer, what it decides counted. */
    counted(type: string, own: string, authorizer: Authorizer): Authorizer {
      const allowed = decisions.counting('allowed', own, type);
      const denied = decisions.counting('denied', own, type);
      const note = (decision: Decision): Decision => {
        if (decision.allowed) allowed();
        else if (decision.denied) denied();
        return decision;
      };
      return {
        authorize(user, attributes) {
          const decision = authorizer.authorize(user, attributes);
          return decision instanceof Promise ? decision.then(note) : note(decision);
        },
      };
    },
    webhook(own: string, result: EvaluationResult, ms: number, failedOpen: boolean): void {
      asked.count(own, result);
      times.of(own, result).observe(ms / 1000);
      if (failedOpen) open.count(own, result);
    },
    render: (): string => decisions.render() + asked.render() + times.render() + open.render(),
  };
}

export type AuthorizerMetrics = ReturnType<typeof createAuthorizerMetrics>;
