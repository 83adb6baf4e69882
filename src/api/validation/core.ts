import { valueWord } from '../canonical.ts';
import { sameValue } from '../equal.ts';
import type { ConfigMap, Event, LimitRange, LimitRangeItem, Namespace, Secret } from '../gen/core-v1.ts';
import { jsonSyntaxError } from '../json-syntax.ts';
import { isConfigMapKey, isDns1123Subdomain, isQualifiedName } from '../names.ts';
import { compareQuantities, quantityMilliValue } from '../quantity.ts';
import { standardFinalizers } from './metadata.ts';
import type { Problems } from './problems.ts';
import { validateContainerResourceName, validateResourceName } from './resources.ts';

const maxData = 1024 * 1024;
const frozen = 'field is immutable when `immutable` is set';

const bytesOf = (base64: string): number => Math.floor((base64.replace(/=+$/, '').length * 3) / 4);

export function validateConfigMap(p: Problems, map: ConfigMap, old?: ConfigMap): void {
  if (old?.immutable) {
    if (!map.immutable) p.forbidden('immutable', frozen);
    for (const field of ['data', 'binaryData'] as const) {
      if (!sameValue(map[field] ?? {}, old[field] ?? {})) p.forbidden(field, frozen);
    }
  }
  let size = 0;
  for (const [key, value] of Object.entries(map.data ?? {})) {
    p.all(`data[${key}]`, key, isConfigMapKey(key));
    if (map.binaryData?.[key] !== undefined) p.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData');
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(map.binaryData ?? {})) {
    p.all(`binaryData[${key}]`, key, isConfigMapKey(key));
    size += bytesOf(value);
  }
  if (size > maxData) p.tooLong('[]', maxData);
}

/** Keys that a secret of a type has to have; any of a list when `any`, with a value when `filled`. */
const secretKeys: Readonly<Record<string, { keys: string[]; any?: boolean; filled?: boolean; json?: boolean }>> = {
  'kubernetes.io/dockercfg': { keys: ['.dockercfg'], json: true },
  'kubernetes.io/dockerconfigjson': { keys: ['.dockerconfigjson'], json: true },
  'kubernetes.io/basic-auth': { keys: ['username', 'password'], any: true },
  'kubernetes.io/ssh-auth': { keys: ['ssh-privatekey'], filled: true },
  'kubernetes.io/tls': { keys: ['tls.crt', 'tls.key'] },
};

/** Why a text is not the JSON of an object, as Go says it. */
function structProblem(text: string): string | undefined {
  const wrong = jsonSyntaxError(text);
  if (wrong !== undefined) return wrong;
  const value: unknown = JSON.parse(text);
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined;
  return `json: cannot unmarshal ${valueWord(value)} into Go value of type map[string]interface {}`;
}

export function validateSecret(p: Problems, secret: Secret, old?: Secret): void {
  const data = secret.data ?? {};
  if (old) p.immutable('type', secret.type, secret.type === old.type);
  if (old?.immutable) {
    if (!secret.immutable) p.forbidden('immutable', frozen);
    if (!sameValue(data, old.data ?? {})) p.forbidden('data', frozen);
  }
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    p.all(`data[${key}]`, key, isConfigMapKey(key));
    size += bytesOf(value);
  }
  if (size > maxData) p.tooLong('data', maxData);
  if (secret.type === 'kubernetes.io/service-account-token') {
    const name = 'kubernetes.io/service-account.name';
    if (!secret.metadata.annotations?.[name]) p.required(`metadata.annotations[${name}]`);
  }
  const rule = secretKeys[secret.type ?? ''];
  if (!rule) return;
  const missing = rule.keys.filter((key) => (rule.filled ? !data[key] : data[key] === undefined));
  if (!rule.any || missing.length === rule.keys.length) for (const key of missing) p.required(`data[${key}]`);
  if (!rule.json || missing.length > 0) return;
  for (const key of rule.keys) {
    const why = structProblem(Buffer.from(data[key] ?? '', 'base64').toString('utf8'));
    if (why) p.invalid(`data[${key}]`, '<secret contents redacted>', why);
  }
}

const unknownFinalizer = 'name is neither a standard finalizer name nor is it fully qualified';

function validateFinalizer(p: Problems, path: string, name: string): void {
  p.all(path, name, isQualifiedName(name));
  if (!name.includes('/') && !standardFinalizers.includes(name)) p.invalid(path, name, unknownFinalizer);
}

export function validateNamespace(p: Problems, { spec }: Namespace): void {
  for (const name of spec?.finalizers ?? []) validateFinalizer(p, 'spec.finalizers', name);
}

export function validateNamespaceEnd(p: Problems, { spec }: Namespace): void {
  for (const [i, name] of (spec?.finalizers ?? []).entries()) validateFinalizer(p, `spec.finalizers[${i}]`, name);
}

export function validateNamespaceStatus(p: Problems, { metadata, status }: Namespace): void {
  const phase = status?.phase ?? '';
  if (!metadata.deletionTimestamp && phase !== 'Active') {
    p.invalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty");
  } else if (metadata.deletionTimestamp && phase !== 'Terminating') {
    p.invalid('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
  }
}

const limitTypes = ['Pod', 'Container', 'PersistentVolumeClaim'];

export function validateLimitRange(p: Problems, { spec }: LimitRange): void {
  const seen = new Set<string>();
  for (const [i, limit] of (spec?.limits ?? []).entries()) {
    const at = `spec.limits[${i}]`;
    const type = limit.type ?? '';
    const wrong = isQualifiedName(type);
    p.all(`${at}.type`, type, wrong);
    if (wrong.length === 0 && !type.includes('/') && !limitTypes.includes(type)) {
      p.invalid(`${at}.type`, type, 'must be a standard limit type or fully qualified');
    }
    if (seen.has(type)) p.duplicate(`${at}.type`, type);
    seen.add(type);
    validateLimit(p, at, limit);
  }
}

function validateLimit(p: Problems, at: string, limit: LimitRangeItem): void {
  const names = (field: 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio'): void => {
    for (const name of Object.keys(limit[field] ?? {})) {
      if (limit.type === 'Pod' || limit.type === 'Container') {
        validateContainerResourceName(p, `${at}.${field}[${name}]`, name);
      } else validateResourceName(p, `${at}.${field}[${name}]`, name);
    }
  };
  names('max');
  names('min');
  for (const field of ['default', 'defaultRequest'] as const) {
    if (limit.type !== 'Pod') names(field);
    else if (Object.keys(limit[field] ?? {}).length > 0) {
      p.forbidden(`${at}.${field}`, "may not be specified when `type` is 'Pod'");
    }
  }
  if (limit.type === 'PersistentVolumeClaim' && !limit.min?.storage && !limit.max?.storage) {
    const why = 'either minimum or maximum storage value is required, but neither was provided';
    p.required(`${at}.limits`, why);
  }
  names('maxLimitRequestRatio');
  const { min = {}, max = {}, default: limits = {}, defaultRequest: requests = {} } = limit;
  const over = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && compareQuantities(a, b) > 0;
  for (const k of new Set(
    [min, max, limits, requests, limit.maxLimitRequestRatio ?? {}].flatMap((m) => Object.keys(m)),
  )) {
    const [lo, hi, limited, requested] = [min[k], max[k], limits[k], requests[k]];
    if (over(lo, hi)) p.invalid(`${at}.min[${k}]`, lo, `min value ${lo} is greater than max value ${hi}`);
    const request = `${at}.defaultRequest[${k}]`;
    if (over(lo, requested)) {
      p.invalid(request, requested, `min value ${lo} is greater than default request value ${requested}`);
    }
    if (over(requested, hi)) {
      p.invalid(request, requested, `default request value ${requested} is greater than max value ${hi}`);
    }
    if (over(requested, limited)) {
      p.invalid(
        request,
        requested,
        `default request value ${requested} is greater than default limit value ${limited}`,
      );
    }
    if (over(lo, limited))
      p.invalid(`${at}.default[${k}]`, lo, `min value ${lo} is greater than default value ${limited}`);
    if (over(limited, hi))
      p.invalid(`${at}.default[${k}]`, hi, `default value ${limited} is greater than max value ${hi}`);
    validateRatio(p, `${at}.maxLimitRequestRatio[${k}]`, limit.maxLimitRequestRatio?.[k], lo, hi);
  }
}

function validateRatio(p: Problems, at: string, ratio: string | undefined, min?: string, max?: string): void {
  if (ratio === undefined) return;
  if (compareQuantities(ratio, '1') < 0) p.invalid(at, ratio, `ratio ${ratio} is less than 1`);
  if (min === undefined || max === undefined) return;
  const most = quantityMilliValue(max) / quantityMilliValue(min);
  if (quantityMilliValue(ratio) / 1000 <= most) return;
  p.invalid(at, ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`);
}

export function validateEvent(p: Problems, event: Event): void {
  const namespace = event.metadata.namespace ?? '';
  const about = event.involvedObject?.namespace ?? '';
  const elsewhere = (): void => p.invalid('involvedObject.namespace', about, 'does not match event.namespace');
  if (!event.eventTime) {
    if (about === '' ? namespace !== '' && namespace !== 'default' : namespace !== about) elsewhere();
  } else {
    if (about === '' && namespace !== 'default' && namespace !== 'kube-system') elsewhere();
    const controller = event.reportingComponent ?? '';
    if (controller === '') p.required('reportingComponent');
    p.all('reportingComponent', controller, isQualifiedName(controller));
    for (const [field, limit] of [
      ['reportingInstance', 128],
      ['action', 128],
      ['reason', 128],
    ] as const) {
      const value = event[field] ?? '';
      if (value === '') p.required(field);
      if (value.length > limit) p.invalid(field, '', `can have at most ${limit} characters`);
    }
    if ((event.message?.length ?? 0) > 1024) p.invalid('message', '', 'can have at most 1024 characters');
  }
  p.all('namespace', namespace, isDns1123Subdomain(namespace));
}
