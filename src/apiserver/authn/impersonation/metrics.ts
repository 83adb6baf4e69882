import { createCounters } from '../../metrics/counter.ts';
import { createHistograms } from '../../metrics/histogram.ts';

const bounds = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
const labels = ['decision', 'mode'];

/** A counter and the times of one kind of event. */
function createTimes(what: string, event: string) {
  const name = `apiserver_impersonation_${what}`;
  const total = createCounters({ name: `${name}_total`, help: `${event}.`, labels });
  const times = createHistograms({
    name: `${name}_duration_seconds`,
    help: `Time of ${event.toLowerCase()}.`,
    labels,
    bounds,
  });
  return {
    observe(mode: string, allowed: boolean, ms: number): void {
      const decision = allowed ? 'allowed' : 'denied';
      total.count(decision, mode);
      times.of(decision, mode).observe(ms / 1000);
    },
    render: () => total.render() + times.render(),
  };
}

/** What impersonation costs and how often it is refused. */
export function createImpersonationMetrics() {
  const attempts = createTimes('attempts', 'Attempts to act as somebody else');
  const checks = createTimes('authorization_attempts', 'Decisions that such attempts asked for');
  return { attempts, checks, render: () => attempts.render() + checks.render() };
}
