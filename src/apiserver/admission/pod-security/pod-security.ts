import type { Pod, PodSpec } from '../../../api/gen/core-v1.ts';
import { internalError, invalid } from '../../../api/status.ts';
import type { PodSecurityMetrics } from '../../metrics/pod-security.ts';
import { lookUp } from '../../registry/look-up.ts';
import type { AdmissionAttributes, Frozen } from '../../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, listAll, refuse } from '../plugin.ts';
import { inDetail, violations } from './checks.ts';
import { exemptWarning, warningsAbout } from './namespaces.ts';
import {
  defaultPolicy,
  isPrivileged,
  isStricter,
  type LevelVersion,
  type Policy,
  policyOf,
  prefix,
  sameLevel,
  shown,
} from './policy.ts';
import type { PodSecuritySettings } from './settings.ts';

interface Template {
  metadata?: { annotations?: Readonly<Record<string, string>> };
  spec?: PodSpec;
}

type WithTemplate = { spec?: { template?: Template } } | undefined;

const templateOf: Readonly<Record<string, (object: Frozen) => Template | undefined>> = {
  '/pods': (object) => object as Template,
  '/podtemplates': (object) => object.template as Template | undefined,
  'batch/cronjobs': (object) =>
    ((object.spec as { jobTemplate?: WithTemplate } | undefined)?.jobTemplate as WithTemplate)?.spec?.template,
};
const ordinaryTemplate = (object: Frozen): Template | undefined => (object as WithTemplate)?.spec?.template;

const resources = [
  '/namespaces',
  '/pods',
  '/pods/ephemeralcontainers',
  '/pods/resize',
  '/podtemplates',
  '/replicationcontrollers',
  'apps/deployments',
  'apps/replicasets',
  'apps/statefulsets',
  'apps/daemonsets',
  'batch/jobs',
  'batch/cronjobs',
];

/** Updates of pods matter only where another image is to run. */
function isSignificant(pod: PodSpec, old: PodSpec): boolean {
  for (const list of ['containers', 'initContainers'] as const) {
    const [now, before] = [pod[list] ?? [], old[list] ?? []];
    if (now.length !== before.length || now.some((c, i) => c.image !== before[i]?.image)) return true;
  }
  const known = new Map((old.ephemeralContainers ?? []).map((c) => [c.name, c.image]));
  return (pod.ephemeralContainers ?? []).some((c) => !known.has(c.name) || known.get(c.name) !== c.image);
}

/** Pods keep to the level that their namespace's labels ask for; workloads are warned about what their pods would do. */
export function podSecurity(options: {
  context: AdmissionContext;
  settings?: PodSecuritySettings | undefined;
  metrics?: PodSecurityMetrics | undefined;
}): AdmissionPlugin {
  const { context, settings, metrics } = options;
  const defaults = defaultPolicy(settings);
  const exempt = settings?.exempt ?? { usernames: [], runtimeClasses: [], namespaces: [] };
  const excuse = (a: AdmissionAttributes, why: string): void => {
    annotate(a, 'exempt', why);
    metrics?.exempt(a);
  };
  const annotate = (a: AdmissionAttributes, key: string, value: string): void =>
    a.context.annotate?.(prefix + key, value);

  const checkNamespace = async (a: AdmissionAttributes): Promise<void> => {
    const { metadata } = a.object as Frozen;
    const name = metadata.name ?? '';
    const labels = metadata.labels ?? {};
    const { policy, problems } = policyOf(labels, defaults);
    const refuseProblems = () => invalid({ group: '', kind: 'Namespace' }, name, problems);
    const warnOfExemption = (): void => {
      const text = exemptWarning(name, labels, policy, defaults);
      if (text !== undefined) a.context.warn(text);
    };
    if (a.operation === 'CREATE') {
      if (problems.length > 0) throw refuseProblems();
      if (exempt.namespaces.includes(name)) warnOfExemption();
      return;
    }
    const before = policyOf(a.oldObject?.metadata.labels, defaults);
    if (problems.length > 0 && JSON.stringify(problems) !== JSON.stringify(before.problems)) throw refuseProblems();
    const { enforce } = policy;
    const old = before.policy.enforce;
    if (sameLevel(enforce, old) || enforce.level === 'privileged') return;
    if (enforce.minor === old.minor && !isStricter(enforce.level, old.level)) return;
    if (exempt.namespaces.includes(name)) return warnOfExemption();
    const pods = (await listAll(context, { group: '', resource: 'pods' }, name)) as unknown as Pod[];
    const checked = pods.filter((pod) => !exempt.runtimeClasses.includes(pod.spec?.runtimeClassName ?? ''));
    for (const text of await warningsAbout(name, checked, enforce)) a.context.warn(text);
  };

  const checkTemplate = (a: AdmissionAttributes, { metadata, spec }: Template, policy: Policy): void => {
    if (!spec) return;
    if (exempt.runtimeClasses.includes(spec.runtimeClassName ?? '')) {
      excuse(a, 'runtimeClass');
      return;
    }
    const found = ({ level, minor }: LevelVersion) => violations({ level, minor }, spec, metadata?.annotations);
    const would = (level: LevelVersion, problems: ReturnType<typeof found>): string =>
      `would violate PodSecurity ${JSON.stringify(shown(level))}: ${inDetail(problems)}`;
    const isPod = a.resource === 'pods';
    const enforced = isPod ? found(policy.enforce) : [];
    if (isPod) {
      annotate(a, 'enforce-policy', shown(policy.enforce));
      metrics?.evaluated(a, 'enforce', policy.enforce, enforced.length === 0);
    }
    if (a.context.annotate || metrics) {
      const audited = found(policy.audit);
      if (audited.length > 0) {
        annotate(a, 'audit-violations', would(policy.audit, audited));
        metrics?.evaluated(a, 'audit', policy.audit, false);
      }
    }
    if (enforced.length > 0)
      throw refuse(a, `violates PodSecurity ${JSON.stringify(shown(policy.enforce))}: ${inDetail(enforced)}`);
    const warned = found(policy.warn);
    if (warned.length === 0) return;
    a.context.warn(would(policy.warn, warned));
    metrics?.evaluated(a, 'warn', policy.warn, false);
  };

  return {
    name: 'PodSecurity',
    operations: ['CREATE', 'UPDATE'],
    resources,
    async validate(a) {
      if (!a.object) return;
      if (a.group === '' && a.resource === 'namespaces') return checkNamespace(a);
      if (exempt.namespaces.includes(a.namespace)) return excuse(a, 'namespace');
      if (exempt.usernames.includes(a.context.user.name)) return excuse(a, 'user');
      const isPod = a.resource === 'pods';
      const namespace = await lookUp(context.registry(), { group: '', resource: 'namespaces' }, { name: a.namespace });
      if (!namespace) {
        if (isPod) throw internalError(`failed to lookup namespace ${JSON.stringify(a.namespace)}`);
        return;
      }
      const { policy, problems } = policyOf(namespace.metadata.labels, defaults);
      if (problems.length > 0)
        annotate(a, 'error', `Failed to parse policy: ${problems.map((p) => `${p.field}: ${p.message}`).join(', ')}`);
      else if (isPod && isPrivileged(policy)) {
        metrics?.evaluated(a, 'enforce', policy.enforce, true);
        return annotate(a, 'enforce-policy', 'privileged:latest');
      } else if (!isPod && policy.warn.level === 'privileged' && policy.audit.level === 'privileged') return;
      if (isPod && a.operation === 'UPDATE' && !isSignificant(a.object.spec as PodSpec, a.oldObject?.spec as PodSpec))
        return;
      const template = (templateOf[`${a.group}/${a.resource}`] ?? ordinaryTemplate)(a.object as Frozen);
      if (template) checkTemplate(a, template, policy);
    },
  };
}
