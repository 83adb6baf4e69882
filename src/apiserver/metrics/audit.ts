import { createCounters } from './counter.ts';

/** What is recorded of requests, under upstream's names. */
export function createAuditMetrics() {
  const events = createCounters({
    name: 'apiserver_audit_event_total',
    help: 'Events that were recorded.',
    labels: [],
  });
  const levels = createCounters({
    name: 'apiserver_audit_level_total',
    help: 'Requests by how much the policy wants of them.',
    labels: ['level'],
  });
  const rejected = createCounters({
    name: 'apiserver_audit_requests_rejected_total',
    help: 'Requests that were refused because their coming could not be recorded.',
    labels: [],
  });
  for (const counters of [events, rejected]) counters.add(0);
  return {
    event: (): void => events.count(),
    level: (level: string): void => levels.count(level),
    rejected: (): void => rejected.count(),
    render: (): string => events.render() + levels.render() + rejected.render(),
  };
}

export type AuditMetrics = ReturnType<typeof createAuditMetrics>;
