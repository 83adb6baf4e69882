import { sameValue } from '../equal.ts';
import type { CronJob, Job, JobSpec, SuccessPolicyRule } from '../gen/batch-v1.ts';
import { isDns1123Label } from '../names.ts';
import { labelSelectorMatches } from '../selectors.ts';
import { cronScheduleError, timeZoneError } from './cron.ts';
import { validateSelector } from './metadata.ts';
import { validatePodTemplate } from './pod.ts';
import type { Problems } from './problems.ts';

function validateSpec(p: Problems, path: string, spec: JobSpec): void {
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const) {
    p.nonNegative(`${path}.${field}`, spec[field]);
  }
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    p.required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified');
  }
  validateManagedBy(p, `${path}.managedBy`, spec.managedBy);
  validateMode(p, path, spec);
  if (spec.podFailurePolicy) validateFailurePolicy(p, `${path}.podFailurePolicy`, spec);
  if (spec.successPolicy && spec.completionMode !== 'Indexed') {
    const rules = spec.successPolicy.rules?.map(shownRule) ?? null;
    p.invalid(`${path}.successPolicy`, { Rules: rules }, 'requires indexed completion mode');
  }
  const replacement = spec.podReplacementPolicy;
  const replacements = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  if (replacement !== undefined && !replacements.includes(replacement)) {
    p.unsupported(`${path}.podReplacementPolicy`, replacement, replacements);
  }
  validatePodTemplate(p, `${path}.template`, spec.template);
  const policy = spec.template.spec?.restartPolicy ?? '';
  const field = `${path}.template.spec.restartPolicy`;
  if (policy === 'Always' || policy === '') p.required(field, 'valid values: "OnFailure", "Never"');
  else if (policy !== 'OnFailure' && policy !== 'Never') p.unsupported(field, policy, ['OnFailure', 'Never']);
  else if (spec.podFailurePolicy && policy !== 'Never') {
    p.invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

const shownRule = (rule: SuccessPolicyRule): object => ({
  SucceededIndexes: rule.succeededIndexes ?? null,
  SucceededCount: rule.succeededCount ?? null,
});

function validateManagedBy(p: Problems, path: string, name: string | undefined): void {
  if (name === undefined) return;
  const [host = '', rest = ''] = [name.split('/')[0], name.split('/').slice(1).join('/')];
  if (name === '') p.required(path);
  else if (host === '' || rest === '') p.invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")');
  if (name.length > 63) p.tooLong(path, 63);
}

function validateMode(p: Problems, path: string, spec: JobSpec): void {
  const { completionMode: mode, completions, parallelism, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const modes = ['NonIndexed', 'Indexed'];
  if (mode !== undefined && !modes.includes(mode)) p.unsupported(`${path}.completionMode`, mode, modes);
  if (mode === 'Indexed') {
    if (completions === undefined) p.required(`${path}.completions`, 'when completion mode is Indexed');
    if ((parallelism ?? 0) > 100_000) {
      const why = 'must be less than or equal to 100000 when completion mode is Indexed';
      p.invalid(`${path}.parallelism`, parallelism, why);
    }
    if (completions !== undefined && (maxFailedIndexes ?? 0) > completions) {
      p.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions');
    }
    return;
  }
  if (mode !== undefined && mode !== 'NonIndexed') return;
  for (const [field, value] of Object.entries({ backoffLimitPerIndex, maxFailedIndexes })) {
    if (value !== undefined) p.invalid(`${path}.${field}`, value, 'requires indexed completion mode');
  }
}

function validateFailurePolicy(p: Problems, path: string, spec: JobSpec): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
  const { containers = [], initContainers = [] } = spec.template.spec ?? {};
  const names = new Set([...(containers ?? []), ...initContainers].map((c) => c.name));
  if (rules.length > 20) p.tooMany(`${path}.rules`, rules.length, 20);
  for (const [i, rule] of rules.entries()) {
    const at = `${path}.rules[${i}]`;
    p.oneOf(`${at}.action`, rule.action, actions);
    const codes = rule.onExitCodes;
    if (codes) {
      p.oneOf(`${at}.onExitCodes.operator`, codes.operator, ['In', 'NotIn']);
      if (codes.containerName !== undefined && !names.has(codes.containerName)) {
        p.invalid(
          `${at}.onExitCodes.containerName`,
          codes.containerName,
          'must be one of the container or initContainer names in the pod template',
        );
      }
    }
    const patterns = rule.onPodConditions?.length ?? 0;
    if (codes && patterns > 0) p.invalid(at, '', 'specifying both OnExitCodes and OnPodConditions is not supported');
    if (!codes && patterns === 0) p.invalid(at, '', 'specifying one of OnExitCodes and OnPodConditions is required');
  }
}

export function validateJob(p: Problems, job: Job, old?: Job): void {
  const { spec, metadata } = job;
  if (!spec) return;
  validateJobSpec(p, spec);
  if (spec.completionMode === 'Indexed' && spec.completions) {
    const hostname = `${metadata.name}-${spec.completions - 1}`;
    if (isDns1123Label(hostname).length > 0) {
      p.invalid('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${hostname}`);
    }
  }
  if (!old) return;
  // A change is looked at as a job first, then as a change, which says the same once more.
  validateJobSpec(p, spec);
  validateJobUpdate(p, spec, old);
}

function validateJobSpec(p: Problems, spec: JobSpec): void {
  validateSpec(p, 'spec', spec);
  if (!spec.selector) p.required('spec.selector');
  else validateSelector(p, spec.selector, 'spec.selector');
  const labels = spec.template.metadata?.labels;
  if (!spec.selector || !labelSelectorMatches(spec.selector, labels)) {
    p.invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`');
  }
}

const schedulingFields = ['nodeSelector', 'tolerations', 'schedulingGates'] as const;

function validateJobUpdate(p: Problems, spec: JobSpec, oldJob: Job): void {
  const old = oldJob.spec ?? spec;
  if (spec.completionMode !== 'Indexed') {
    p.immutable('spec.completions', spec.completions, sameValue(spec.completions, old.completions));
  } else if (spec.completions !== old.completions && spec.completions !== spec.parallelism) {
    p.invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism');
  }
  p.immutable('spec.selector', spec.selector, sameValue(spec.selector, old.selector));
  const comparable = structuredClone(spec.template);
  // A suspended job that has not started may still be told where to run.
  if (old.suspend && !oldJob.status?.startTime && comparable.spec) {
    for (const field of schedulingFields) Object.assign(comparable.spec, { [field]: old.template.spec?.[field] });
    const { nodeAffinity: _, ...affinity } = comparable.spec.affinity ?? {};
    const { nodeAffinity, ...oldAffinity } = old.template.spec?.affinity ?? {};
    if (sameValue(affinity, oldAffinity)) Object.assign(comparable.spec, { affinity: old.template.spec?.affinity });
    else comparable.spec.affinity = { ...affinity, nodeAffinity };
    const { labels, annotations } = old.template.metadata ?? {};
    comparable.metadata = { ...comparable.metadata, labels, annotations };
  }
  p.immutable('spec.template', spec.template, sameValue(comparable, old.template));
  for (const field of [
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ] as const) {
    p.immutable(`spec.${field}`, spec[field], sameValue(spec[field], old[field]));
  }
}

export function validateCronJob(p: Problems, job: CronJob, old?: CronJob): void {
  const { spec, metadata } = job;
  if (!spec) return;
  if (!spec.schedule) p.required('spec.schedule');
  else {
    const wrong = cronScheduleError(spec.schedule);
    if (wrong !== undefined) p.invalid('spec.schedule', spec.schedule, wrong);
    const zoned = spec.schedule.includes('TZ');
    if (zoned && !old?.spec?.schedule.includes('TZ')) {
      p.invalid('spec.schedule', spec.schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
    } else if (zoned && spec.timeZone !== undefined) {
      p.invalid('spec.schedule', spec.schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule');
    }
  }
  p.nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds);
  if (spec.timeZone !== undefined && spec.timeZone !== old?.spec?.timeZone) {
    const wrong = timeZoneError(spec.timeZone);
    if (wrong !== undefined) p.invalid('spec.timeZone', spec.timeZone, wrong);
  }
  p.oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']);
  const template = spec.jobTemplate.spec;
  if (template) {
    validateSpec(p, 'spec.jobTemplate.spec', template);
    if (template.selector) {
      p.invalid('spec.jobTemplate.spec.selector', template.selector, '`selector` will be auto-generated');
    }
    if (template.manualSelector) {
      p.unsupported('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']);
    }
  }
  p.nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit);
  p.nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit);
  if (!old && (metadata.name?.length ?? 0) > 52) {
    p.invalid('metadata.name', metadata.name, 'must be no more than 52 characters');
  }
}
