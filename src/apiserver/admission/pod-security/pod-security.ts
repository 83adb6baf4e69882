import type { PodSpec } from '../../../api/gen/core-v1.ts';
import type { AdmissionAttributes, Frozen } from '../../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, lookUp, refuse } from '../plugin.ts';
import { type Level, violations } from './checks.ts';
import type { PodSecuritySettings } from './settings.ts';

const prefix = 'pod-security.kubernetes.io/';

const templates: Readonly<Record<string, (object: Frozen) => PodSpec | undefined>> = {
  '/pods': (object) => object.spec as PodSpec | undefined,
  '/podtemplates': (object) => (object.template as { spec?: PodSpec } | undefined)?.spec,
  'batch/cronjobs': (object) =>
    (object.spec as { jobTemplate?: { spec?: { template?: { spec?: PodSpec } } } } | undefined)?.jobTemplate?.spec
      ?.template?.spec,
};
const ofTemplate = (object: Frozen): PodSpec | undefined =>
  (object.spec as { template?: { spec?: PodSpec } } | undefined)?.template?.spec;

const resources = [
  '/pods',
  '/pods/ephemeralcontainers',
  '/podtemplates',
  '/replicationcontrollers',
  'apps/deployments',
  'apps/replicasets',
  'apps/statefulsets',
  'apps/daemonsets',
  'batch/jobs',
  'batch/cronjobs',
];

interface Policy {
  readonly level: Level;
  readonly version: string;
}

function policyOf(
  namespace: Frozen,
  mode: 'enforce' | 'audit' | 'warn',
  settings: PodSecuritySettings | undefined,
): Policy {
  const labels = namespace.metadata.labels ?? {};
  const level = labels[`${prefix}${mode}`] ?? settings?.defaults[mode];
  return {
    level: level === 'baseline' || level === 'restricted' ? level : 'privileged',
    version: labels[`${prefix}${mode}-version`] ?? settings?.versions[mode] ?? 'latest',
  };
}

function isExempt({ exempt }: PodSecuritySettings, a: AdmissionAttributes, spec: PodSpec): boolean {
  return (
    exempt.namespaces.includes(a.namespace) ||
    exempt.usernames.includes(a.context.user.name) ||
    (spec.runtimeClassName !== undefined && exempt.runtimeClasses.includes(spec.runtimeClassName))
  );
}

/** Pods keep to the level that their namespace's labels ask for; workloads are warned about what their pods would do. */
export function podSecurity(context: AdmissionContext, settings?: PodSecuritySettings): AdmissionPlugin {
  const check = (a: AdmissionAttributes, namespace: Frozen): void => {
    const object = a.object as Frozen;
    const place = `${a.group}/${a.resource}`;
    const spec = (templates[place] ?? ofTemplate)(object);
    if (!spec?.containers || (settings && isExempt(settings, a, spec))) return;
    if (place === '/pods') {
      const enforce = policyOf(namespace, 'enforce', settings);
      a.context.annotate?.(`${prefix}enforce-policy`, `${enforce.level}:${enforce.version}`);
      const problem = violations(enforce.level, spec);
      if (problem) throw refuse(a, `violates PodSecurity "${enforce.level}:${enforce.version}": ${problem}`);
    }
    for (const mode of ['audit', 'warn'] as const) {
      if (mode === 'audit' && !a.context.annotate) continue;
      const { level, version } = policyOf(namespace, mode, settings);
      const problem = violations(level, spec);
      const text = `would violate PodSecurity "${level}:${version}": ${problem}`;
      if (problem && mode === 'audit') a.context.annotate?.(`${prefix}audit-violations`, text);
      if (problem && mode === 'warn') a.context.warn(text);
    }
  };
  return {
    name: 'PodSecurity',
    operations: ['CREATE', 'UPDATE'],
    resources,
    async validate(a) {
      if (!a.object || a.namespace === '') return;
      // What a pod may change of itself later is nothing that counts here.
      if (a.operation === 'UPDATE' && a.resource === 'pods' && a.subresource !== 'ephemeralcontainers') return;
      const namespace = await lookUp(context, { group: '', resource: 'namespaces' }, { name: a.namespace });
      if (namespace) check(a, namespace);
    },
  };
}
