import type { DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration } from '../gen/resource-v1.ts';
import { isCIdentifier, isDns1123Subdomain, isLabelValue } from '../names.ts';
import { validateLabelName } from './metadata.ts';
import type { Problems } from './problems.ts';
import { validateDriverName } from './volumes.ts';

type ItemCheck<T> = (item: T, path: string) => void;

/** Each entry of a list, unless there are more than may be: then that alone is said. */
export function validateList<T>(
  p: Problems,
  path: string,
  list: readonly T[] | undefined,
  max: number,
  check: ItemCheck<T>,
): boolean {
  const items = list ?? [];
  if (items.length > max) {
    p.tooMany(path, items.length, max);
    return false;
  }
  for (const [i, item] of items.entries()) check(item, `${path}[${i}]`);
  return true;
}

/** The same, and no key twice. */
export function validateSet<T>(
  p: Problems,
  path: string,
  list: readonly T[] | undefined,
  max: number,
  key: (item: T) => unknown,
  check: ItemCheck<T>,
): void {
  if (!validateList(p, path, list, max, check)) return;
  const seen = new Set<string>();
  for (const [i, item] of (list ?? []).entries()) {
    const own = key(item);
    const text = JSON.stringify(own ?? '');
    if (seen.has(text)) p.duplicate(`${path}[${i}]`, own);
    seen.add(text);
  }
}

export const itself = (item: string): string => item;

export function validatePoolName(p: Problems, path: string, name: string): void {
  if (name === '') {
    p.required(path);
    return;
  }
  if (name.length > 253) p.tooLong(path, 253);
  for (const part of name.split('/')) p.all(path, part, isDns1123Subdomain(part));
}

const longestId = 32;

function validateIdentifier(p: Problems, path: string, id: string): void {
  if (id.length > longestId) p.tooLong(path, longestId);
  p.all(path, id, isCIdentifier(id));
}

/** `[domain/]identifier`; what has more than one slash is not looked at, as upstream does not. */
export function validateDeviceKey(p: Problems, path: string, name: string): void {
  const parts = name.split('/');
  const [first = '', second = ''] = parts;
  if (parts.length === 1) validateIdentifier(p, path, first);
  else if (parts.length === 2) {
    if (first === '') p.invalid(path, '', 'the domain must not be empty');
    else validateDriverName(p, path, first);
    if (second === '') p.invalid(path, '', 'the name must not be empty');
    else validateIdentifier(p, path, second);
  }
}

export function validateFullDeviceKey(p: Problems, path: string, name: string): void {
  validateDeviceKey(p, path, name);
  if (!name.includes('/')) {
    p.invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash');
  }
}

const taintEffects = ['NoExecute', 'NoSchedule', 'None'];

export function validateDeviceTaint(p: Problems, path: string, taint: DeviceTaint, old?: DeviceTaint): void {
  validateLabelName(p, `${path}.key`, taint.key ?? '');
  if (taint.value) p.all(`${path}.value`, taint.value, isLabelValue(taint.value));
  if (old === undefined || old.effect !== taint.effect) p.oneOf(`${path}.effect`, taint.effect, taintEffects);
}

export function validateDeviceTolerations(
  p: Problems,
  path: string,
  tolerations: readonly DeviceToleration[] = [],
): void {
  for (const [i, { key, operator = '', value = '', effect }] of tolerations.entries()) {
    const at = `${path}[${i}]`;
    if (key) validateLabelName(p, `${at}.key`, key);
    if (operator === 'Exists') {
      if (value !== '') p.invalid(`${at}.value`, value, 'must be empty for operator `Exists`');
    } else if (operator === 'Equal') p.all(`${at}.value`, value, isLabelValue(value));
    else p.oneOf(`${at}.operator`, operator, ['Equal', 'Exists']);
    if (effect && !taintEffects.includes(effect)) p.unsupported(`${at}.effect`, effect, taintEffects);
  }
}

/** JSON of any content; what was kept before may be longer than is allowed now. */
export function validateRawObject(p: Problems, path: string, raw: unknown, longest: number, stored = false): void {
  if (raw === undefined || raw === null) p.required(path);
  else if (!stored && Buffer.byteLength(JSON.stringify(raw)) > longest) p.tooLong(path, longest);
  else if (typeof raw !== 'object' || Array.isArray(raw)) {
    p.invalid(path, '<value omitted>', 'must be a valid JSON object');
  }
}

const longestParameters = 10 * 1024;

export function validateDeviceConfiguration(
  p: Problems,
  path: string,
  { opaque }: { opaque?: OpaqueDeviceConfiguration | undefined },
  stored = false,
): void {
  if (!opaque) {
    p.required(`${path}.opaque`);
    return;
  }
  validateDriverName(p, `${path}.opaque.driver`, opaque.driver ?? '');
  validateRawObject(p, `${path}.opaque.parameters`, opaque.parameters, longestParameters, stored);
}

const mostConditions = 4;

/** What has to be so before a pod is bound, and what says that it will never be. */
export function validateBindingConditions(
  p: Problems,
  path: string,
  { bindingConditions = [], bindingFailureConditions = [] }: Partial<Record<BindingField, string[] | undefined>>,
): void {
  const given = { bindingConditions, bindingFailureConditions };
  const fields = ['bindingConditions', 'bindingFailureConditions'] as const;
  for (const field of fields) {
    validateList(p, `${path}.${field}`, given[field], mostConditions, (name, at) => validateLabelName(p, at, name));
  }
  for (const field of fields) {
    for (const [i, name] of given[field].entries()) {
      const at = `${path}.${field}[${i}]`;
      if (given[field].indexOf(name) < i) p.duplicate(at, name);
      if (field === 'bindingFailureConditions' && bindingConditions.includes(name)) {
        p.invalid(at, name, 'bindingFailureConditions must not overlap with bindingConditions');
      }
    }
  }
  const [one, other] = [bindingConditions.length > 0, bindingFailureConditions.length > 0];
  if (one === other) return;
  const missing = one ? fields[1] : fields[0];
  p.invalid(`${path}.${missing}`, null, `${missing} are required to use ${one ? fields[0] : fields[1]}`);
}

type BindingField = 'bindingConditions' | 'bindingFailureConditions';
