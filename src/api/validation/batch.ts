import { wasEmpty } from '../canonical.ts';
import { sameValue } from '../equal.ts';
import type {
  CronJob,
  Job,
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  SuccessPolicyRule,
} from '../gen/batch-v1.ts';
import { isDns1123Label, isDns1123Subdomain } from '../names.ts';
import { cronScheduleError, timeZoneErrors } from './cron.ts';
import { readIndexes } from './indexes.ts';
import { validateLabelName, validateSelector } from './metadata.ts';
import { validatePodTemplate } from './pod.ts';
import type { Problems } from './problems.ts';
import { leavesOut } from './selectors.ts';

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
  } else if (spec.successPolicy) validateSuccessPolicy(p, `${path}.successPolicy.rules`, spec);
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

const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

function validateManagedBy(p: Problems, path: string, name: string | undefined): void {
  if (name === undefined) return;
  const [host = '', rest = ''] = [name.split('/')[0], name.split('/').slice(1).join('/')];
  if (name === '') p.required(path);
  else if (host === '' || rest === '') p.invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")');
  else {
    p.all(path, host, isDns1123Subdomain(host));
    if (!new RegExp(`^${httpPath}$`).test(rest))
      p.invalid(path, rest, `Invalid path (regex used for validation is '${httpPath}')`);
  }
  if (name.length > 63) p.tooLong(path, 63);
}

const limits = { parallelism: 100_000, failedIndexes: 100_000, completions: 100_000, ofMany: 10_000 } as const;

function validateMode(p: Problems, path: string, spec: JobSpec): void {
  const { completionMode: mode, completions, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const modes = ['NonIndexed', 'Indexed'];
  if (mode !== undefined && !modes.includes(mode)) p.unsupported(`${path}.completionMode`, mode, modes);
  if (mode === 'Indexed') {
    const atMost = (field: 'maxFailedIndexes' | 'parallelism', most: number, when = ''): void => {
      const value = spec[field] ?? 0;
      if (value > most) p.invalid(`${path}.${field}`, value, `must be less than or equal to ${most}${when}`);
    };
    if (completions === undefined) p.required(`${path}.completions`, 'when completion mode is Indexed');
    atMost('parallelism', limits.parallelism, ' when completion mode is Indexed');
    if (completions !== undefined && (maxFailedIndexes ?? 0) > completions) {
      p.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions');
    }
    atMost('maxFailedIndexes', limits.failedIndexes);
    if ((completions ?? 0) <= limits.completions || backoffLimitPerIndex === undefined) return;
    const above = `completions is above ${limits.completions}`;
    if (maxFailedIndexes === undefined) p.required(`${path}.maxFailedIndexes`, `must be specified when ${above}`);
    const many = ` when completions are above ${limits.completions} and used with backoff limit per index`;
    atMost('parallelism', limits.ofMany, many);
    atMost('maxFailedIndexes', limits.ofMany, many);
    return;
  }
  if (mode !== undefined && mode !== 'NonIndexed') return;
  for (const [field, value] of Object.entries({ backoffLimitPerIndex, maxFailedIndexes })) {
    if (value !== undefined) p.invalid(`${path}.${field}`, value, 'requires indexed completion mode');
  }
}

/** One of some values; which ones is said where there is none. */
function validateChoice(p: Problems, path: string, value: string | undefined, supported: readonly string[]): void {
  if (!value) p.required(path, `valid values: [${supported.map((s) => JSON.stringify(s)).join(' ')}]`);
  else if (!supported.includes(value)) p.unsupported(path, value, supported);
}

function validateExitCodes(
  p: Problems,
  at: string,
  codes: PodFailurePolicyOnExitCodesRequirement,
  names: ReadonlySet<string>,
): void {
  validateChoice(p, `${at}.operator`, codes.operator, ['In', 'NotIn']);
  if (codes.containerName !== undefined && !names.has(codes.containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template';
    p.invalid(`${at}.containerName`, codes.containerName, why);
  }
  const values = codes.values ?? [];
  const shown = codes.values ?? (wasEmpty(codes, 'values') ? [] : null);
  if (values.length === 0) p.invalid(`${at}.values`, shown, 'at least one value is required');
  else if (values.length > 255) p.tooMany(`${at}.values`, values.length, 255);
  for (const [i, value] of values.entries()) {
    if (codes.operator === 'In' && value === 0) {
      p.invalid(`${at}.values[${i}]`, value, 'must not be 0 for the In operator');
    }
    if (values.indexOf(value) < i) p.duplicate(`${at}.values[${i}]`, value);
  }
  if (values.some((value, i) => (values[i - 1] ?? value) > value)) {
    p.invalid(`${at}.values`, values, 'must be ordered');
  }
}

function validateFailurePolicy(p: Problems, path: string, spec: JobSpec): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const { containers = [], initContainers = [] } = spec.template.spec ?? {};
  const names = new Set([...(containers ?? []), ...initContainers].map((c) => c.name));
  if (rules.length > 20) p.tooMany(`${path}.rules`, rules.length, 20);
  for (const [i, rule] of rules.entries()) {
    const at = `${path}.rules[${i}]`;
    validateChoice(p, `${at}.action`, rule.action, ['Count', 'FailIndex', 'FailJob', 'Ignore']);
    if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
      p.invalid(`${at}.action`, rule.action, 'requires the backoffLimitPerIndex to be set');
    }
    const { onExitCodes: codes, onPodConditions: patterns = [] } = rule;
    if (codes) validateExitCodes(p, `${at}.onExitCodes`, codes, names);
    if (patterns.length > 20) p.tooMany(`${at}.onPodConditions`, patterns.length, 20);
    for (const [j, { type = '', status }] of patterns.entries()) {
      validateLabelName(p, `${at}.onPodConditions[${j}].type`, type);
      validateChoice(p, `${at}.onPodConditions[${j}].status`, status, ['False', 'True', 'Unknown']);
    }
    if (codes && patterns.length > 0) {
      p.invalidAsItIs(at, 'specifying both OnExitCodes and OnPodConditions is not supported');
    } else if (!codes && patterns.length === 0) {
      p.invalidAsItIs(at, 'specifying one of OnExitCodes and OnPodConditions is required');
    }
  }
}

const longestIndexes = 64 * 1024;

function validateSuccessPolicy(p: Problems, path: string, spec: JobSpec): void {
  const rules = spec.successPolicy?.rules ?? [];
  const completions = spec.completions ?? 0;
  if (rules.length === 0) p.required(path, 'at least one rules must be specified when the successPolicy is specified');
  if (rules.length > 20) p.tooMany(path, rules.length, 20);
  for (const [i, { succeededCount: count, succeededIndexes: indexes }] of rules.entries()) {
    const at = `${path}[${i}]`;
    if (count === undefined && indexes === undefined) {
      p.required(at, 'at least one of succeededCount or succeededIndexes must be specified');
    }
    if ((indexes?.length ?? 0) > longestIndexes) p.tooLong(`${at}.succeededIndexes`, longestIndexes);
    const found = readIndexes(indexes ?? '', completions);
    if ('wrong' in found) {
      p.invalid(`${at}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${found.wrong}`);
    }
    if (count === undefined) continue;
    p.nonNegative(`${at}.succeededCount`, count);
    const atMost = (most: number, which: string): void => {
      if (count > most) p.invalid(`${at}.succeededCount`, count, `must be less than or equal to ${most} (${which})`);
    };
    atMost(completions, 'the number of specified completions');
    if (indexes !== undefined) {
      const total = 'total' in found ? found.total : 0;
      atMost(total, 'the number of indexes in the specified succeededIndexes field');
    }
  }
}

export function validateJob(p: Problems, job: Job, old?: Job): void {
  const { spec, metadata } = job;
  if (!spec) return;
  validateGenerated(p, job, old);
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

const own = ['controller-uid', 'job-name'] as const;
const prefix = 'batch.kubernetes.io/';

/** A job that is to make its own selector has the labels for it in its template, of its own uid and name. */
function validateGenerated(p: Problems, { metadata, spec }: Job, old: Job | undefined): void {
  if (!spec || spec.manualSelector || !spec.selector) return;
  const values = { 'controller-uid': metadata.uid ?? '', 'job-name': metadata.name ?? '' };
  const before = old?.spec?.template.metadata?.labels;
  const prefixed = !old || own.every((name) => before?.[prefix + name] !== undefined);
  const expected: Record<string, string> = {};
  for (const start of prefixed ? ['', prefix] : ['']) {
    for (const name of own) {
      expected[start + name] = values[name];
      const labels = spec.template.metadata?.labels;
      const found = labels?.[start + name];
      const at = `spec.template.metadata.labels[${start}${name}]`;
      if (found === undefined) p.required(at, `must be '${values[name]}'`);
      else if (found !== values[name]) p.invalid(at, labels, `must be '${values[name]}'`);
    }
  }
  if (leavesOut(spec.selector, expected)) {
    p.invalid('spec.selector', spec.selector, '`selector` not auto-generated');
  }
}

function validateJobSpec(p: Problems, spec: JobSpec): void {
  validateSpec(p, 'spec', spec);
  if (!spec.selector) p.required('spec.selector');
  else validateSelector(p, spec.selector, 'spec.selector');
  const labels = spec.template.metadata?.labels;
  if (!spec.selector || leavesOut(spec.selector, labels)) {
    p.invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`');
  }
}

const schedulingFields = ['nodeSelector', 'tolerations', 'schedulingGates'] as const;

/** A job that stands still may be told to run elsewhere, and with more or less. */
function validateTemplateUpdate(p: Problems, { template }: JobSpec, { spec: was, status }: Job): void {
  if (!was) return;
  const resting = status?.conditions?.some(({ type, status: value }) => type === 'Suspended' && value === 'True');
  const open = was.suspend && (!status?.startTime || resting) && !status?.active;
  const before = was.template;
  if (!open) {
    p.immutable('spec.template', template, sameValue(template, before));
    return;
  }
  const comparable = structuredClone(template.spec ?? { containers: [] });
  for (const field of schedulingFields) Object.assign(comparable, { [field]: before.spec?.[field] });
  const { nodeAffinity: _, ...affinity } = comparable.affinity ?? {};
  const { nodeAffinity, ...oldAffinity } = before.spec?.affinity ?? {};
  if (sameValue(affinity, oldAffinity)) comparable.affinity = before.spec?.affinity;
  else comparable.affinity = { ...affinity, nodeAffinity };
  for (const list of ['containers', 'initContainers'] as const) {
    if (comparable[list]?.length !== before.spec?.[list]?.length) continue;
    for (const [i, container] of (comparable[list] ?? []).entries()) {
      const other = before.spec?.[list]?.[i];
      if (other?.name === container.name) container.resources = other.resources;
    }
  }
  p.immutable('spec.template.spec', template.spec, sameValue(comparable, before.spec));
}

function validateJobUpdate(p: Problems, spec: JobSpec, oldJob: Job): void {
  const old = oldJob.spec ?? spec;
  if (spec.completionMode !== 'Indexed') {
    p.immutable('spec.completions', spec.completions, sameValue(spec.completions, old.completions));
  } else if (spec.completions !== old.completions && spec.completions !== spec.parallelism) {
    p.invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism');
  }
  p.immutable('spec.selector', spec.selector, sameValue(spec.selector, old.selector));
  validateTemplateUpdate(p, spec, oldJob);
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
    p.all('spec.timeZone', spec.timeZone, timeZoneErrors(spec.timeZone));
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
