import { type LevelVersion, type Mode, shownVersion } from '../admission/pod-security/policy.ts';
import { createCounters } from './counter.ts';

type Asked = { readonly operation: string; readonly resource: string; readonly subresource?: string | undefined };

const kindOf = (resource: string): string =>
  resource === 'pods' ? 'pod' : resource === 'namespaces' ? 'namespace' : 'controller';

/** How pods fare with the levels of their namespaces, under upstream's names. */
export function createPodSecurityMetrics() {
  const asked = ['request_operation', 'resource', 'subresource'];
  const evaluations = createCounters({
    name: 'pod_security_evaluations_total',
    help: 'Pods that were looked at, and what came of it.',
    labels: ['decision', 'mode', 'policy_level', 'policy_version', ...asked],
  });
  const exemptions = createCounters({
    name: 'pod_security_exemptions_total',
    help: 'Requests that nobody looked at.',
    labels: asked,
  });
  const valuesOf = ({ operation, resource, subresource = '' }: Asked): string[] => [
    operation.toLowerCase(),
    kindOf(resource),
    subresource,
  ];
  return {
    evaluated(of: Asked, mode: Mode, level: LevelVersion, allowed: boolean): void {
      const version = level.level === 'privileged' ? 'latest' : shownVersion(level);
      evaluations.count(allowed ? 'allow' : 'deny', mode, level.level, version, ...valuesOf(of));
    },
    exempt: (of: Asked): void => exemptions.count(...valuesOf(of)),
    render: (): string => evaluations.render() + exemptions.render(),
  };
}

export type PodSecurityMetrics = ReturnType<typeof createPodSecurityMetrics>;
