import { wasEmpty } from '../canonical.ts';
import { sameValue } from '../equal.ts';
import type {
  CapacityRequestPolicy,
  CapacityRequestPolicyRange,
  Counter,
  Device,
  DeviceAttribute,
  ResourceSlice,
  ResourceSliceSpec,
} from '../gen/resource-v1.ts';
import { isDns1123Label, isDns1123Subdomain } from '../names.ts';
import { addQuantities, compareQuantities, formatQuantity, quantityValue } from '../quantity.ts';
import {
  validateBindingConditions,
  validateDeviceKey,
  validateDeviceTaint,
  validateList,
  validatePoolName,
  validateSet,
} from './device-parts.ts';
import type { Problems } from './problems.ts';
import { validateNodeSelector } from './scheduling.ts';
import { validateDriverName } from './volumes.ts';

const most = {
  devices: 128,
  /** Where a device has taints or takes from counters. */
  elaborateDevices: 64,
  counterSets: 8,
  counters: 32,
  consumed: 2,
  properties: 32,
  values: 48,
  taints: 16,
  options: 10,
} as const;
const longestKey = 63 + 1 + 32;
const longestValue = 64;

const eachPlace =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';

/** Where a device is: said of each where the slice says so, and only then. */
function validateDevicePlace(p: Problems, path: string, device: Device, each: boolean): void {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!each) {
    if (nodeName === undefined && !nodeSelector && allNodes === undefined) return;
    const why = '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true';
    p.invalid(path, null, `${why} in the ResourceSlice spec`);
    return;
  }
  if (nodeName === '') p.invalid(`${path}.nodeName`, '', 'must not be empty');
  else if (nodeName !== undefined) p.all(`${path}.nodeName`, nodeName, isDns1123Subdomain(nodeName));
  if (nodeSelector) validateNodeSelector(p, `${path}.nodeSelector`, nodeSelector);
  if (allNodes === false) p.invalid(`${path}.allNodes`, false, 'must be either unset or set to true');
  const given = (['nodeName', 'nodeSelector', 'allNodes'] as const).filter((place) => device[place]);
  if (given.length === 0) p.required(path, eachPlace);
  else if (given.length > 1) p.invalid(path, `{${given.map((g) => `\`${g}\``).join(', ')}}`, eachPlace);
}

const number = '(0|[1-9]\\d*)';
const before = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const version = new RegExp(
  `^${number}\\.${number}\\.${number}(-${before}(\\.${before})*)?(\\+[0-9a-zA-Z-]+(\\.[0-9a-zA-Z-]+)*)?$`,
);

function validateAttribute(p: Problems, path: string, attribute: DeviceAttribute): void {
  const { string: text, version: number } = attribute;
  if (text !== undefined && Buffer.byteLength(text) > longestValue) p.tooLong(`${path}.string`, longestValue);
  if (number !== undefined) {
    if (!version.test(number)) {
      p.invalid(`${path}.version`, number, 'must be a string compatible with semver.org spec 2.0.0');
    }
    if (Buffer.byteLength(number) > longestValue) p.tooLong(`${path}.version`, longestValue);
  }
  const given = (['int', 'bool', 'string', 'version'] as const).filter((kind) => attribute[kind] !== undefined);
  if (given.length === 1) return;
  p.invalid(path, given.length === 0 ? '' : attributeText(attribute), 'exactly one value must be specified');
}

const attributeKinds = ['Int', 'Bool', 'String', 'Version'] as const;

/** Upstream shows the inner form, in which every kind of value has a place. */
const attributeText = (attribute: DeviceAttribute): Record<string, unknown> => ({
  ...Object.fromEntries(
    attributeKinds.map((kind) => [`${kind}Value`, attribute[kind.toLowerCase() as 'int' | 'bool'] ?? null]),
  ),
  ...Object.fromEntries(attributeKinds.map((kind) => [`${kind}Values`, null])),
});

type Policy = Omit<CapacityRequestPolicy, 'default'> & { default: string };

function validateOptions(p: Problems, path: string, capacity: string, policy: Policy): void {
  const options = policy.validValues ?? [];
  for (const [i, option] of options.entries()) {
    if (i > 0 && compareQuantities(options[i - 1] ?? '0', option) > 0) {
      p.invalid(`${path}[${i}]`, option, 'values must be sorted in ascending order');
    }
  }
  validateSet(
    p,
    path,
    options,
    most.options,
    (option) => String(quantityValue(option)),
    (option, at) => {
      if (compareQuantities(option, capacity) > 0) {
        p.invalid(at, option, `option is larger than capacity value: ${capacity}`);
      }
    },
  );
  if (options.length <= most.options && options.some((option) => compareQuantities(option, policy.default) === 0))
    return;
  p.invalid(path, policy.default, 'default value is not valid according to the requestPolicy');
}

function validateRange(
  p: Problems,
  path: string,
  capacity: string,
  fallback: string,
  { min, max, step }: Partial<CapacityRequestPolicyRange>,
): void {
  if (min === undefined) {
    p.required(`${path}.min`, 'required when validRange is defined');
    return;
  }
  const notAbove = (a: string, b: string, field: string, why: string): void => {
    if (compareQuantities(a, b) > 0) p.invalid(`${path}.${field}`, a, `${why}: ${b}`);
  };
  notAbove(min, capacity, 'min', 'min is larger than capacity value');
  if (compareQuantities(fallback, min) < 0) p.invalid(`${path}.min`, fallback, `default is less than min: ${min}`);
  if (max !== undefined) {
    notAbove(min, max, 'max', 'min is larger than max');
    notAbove(max, capacity, 'max', 'max is larger than capacity value');
    notAbove(fallback, max, 'max', 'default is more than max');
  }
  if (step === undefined) return;
  const next = addQuantities(min, step);
  if (compareQuantities(next, capacity) > 0) {
    p.invalid(`${path}.step`, step, `one step ${formatQuantity(next)} is larger than capacity value: ${capacity}`);
  }
  for (const value of max === undefined ? [fallback] : [fallback, max]) {
    if ((quantityValue(value) - quantityValue(min)) % quantityValue(step) === 0) continue;
    p.invalid(`${path}.step`, value, `value is not a multiple of a given step (${step}) from (${min})`);
  }
}

/** What may be asked of a capacity that several share. */
function validateRequestPolicy(p: Problems, path: string, capacity: string, policy: CapacityRequestPolicy): void {
  const { validValues = [], validRange } = policy;
  if (validValues.length > 0 && validRange) {
    const why = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
    p.forbidden(path, why);
    return;
  }
  const form = validValues.length > 0 ? 'validValues' : validRange ? 'validRange' : undefined;
  if (!form) return;
  const fallback = policy.default;
  if (fallback === undefined) p.required(`${path}.default`, `required when ${form} is defined`);
  else if (form === 'validValues')
    validateOptions(p, `${path}.validValues`, capacity, { ...policy, default: fallback });
  else validateRange(p, `${path}.validRange`, capacity, fallback, validRange ?? {});
}

/** A long key in a path is shown by its ends. */
function shownKey(key: string, longest: number): string {
  const max = Math.max(longest, 16);
  if (key.length <= max) return key;
  const rest = max - 3;
  return `${key.slice(0, Math.floor((rest + 1) / 2))}...${key.slice(key.length - Math.floor(rest / 2))}`;
}

function validateCounters(p: Problems, path: string, counters: Record<string, Counter> | undefined): void {
  const names = Object.keys(counters ?? {});
  if (names.length === 0) p.required(path);
  else if (names.length > most.counters) p.tooMany(path, names.length, most.counters);
  else for (const name of names) p.all(path, name, isDns1123Label(name));
}

function validateDevice(p: Problems, path: string, device: Device, old: Device | undefined, each: boolean): void {
  p.all(`${path}.name`, device.name ?? '', isDns1123Label(device.name ?? ''));
  const { attributes = {}, capacity = {} } = device;
  const properties = Object.keys(attributes).length + Object.keys(capacity).length;
  if (properties > most.properties) {
    const why = `the total number of attributes and capacities must not exceed ${most.properties}`;
    p.invalid(path, properties, why);
  }
  const values = Object.keys(attributes).length;
  if (values > most.values) {
    p.invalid(path, values, `the total number of attribute values must not exceed ${most.values}`);
  }
  for (const [key, attribute] of Object.entries(attributes)) {
    validateDeviceKey(p, `${path}.attributes`, key);
    validateAttribute(p, `${path}.attributes[${shownKey(key, longestKey)}]`, attribute);
  }
  for (const [key, { value = '0', requestPolicy }] of Object.entries(capacity)) {
    validateDeviceKey(p, `${path}.capacity`, key);
    const at = `${path}.capacity[${shownKey(key, longestKey)}].requestPolicy`;
    if (!requestPolicy) continue;
    if (device.allowMultipleAllocations) validateRequestPolicy(p, at, value, requestPolicy);
    else p.forbidden(at, 'allowMultipleAllocations must be true');
  }
  if (!old || !sameValue(old.taints, device.taints)) {
    validateList(p, `${path}.taints`, device.taints, most.taints, (taint, at) => validateDeviceTaint(p, at, taint));
  }
  validateSet(
    p,
    `${path}.consumesCounters`,
    device.consumesCounters,
    most.consumed,
    ({ counterSet = '' }) => counterSet,
    ({ counterSet = '', counters }, at) => {
      if (counterSet === '') p.required(`${at}.counterSet`);
      else p.all(`${at}.counterSet`, counterSet, isDns1123Label(counterSet));
      validateCounters(p, `${at}.counters`, counters);
    },
  );
  validateDevicePlace(p, path, device, each);
  validateBindingConditions(p, path, device);
}

const places = ['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'] as const;
const onePlace = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

function validatePlace(p: Problems, spec: ResourceSliceSpec): void {
  if (spec.nodeName === '') p.invalid('spec.nodeName', '', 'must be either unset or set to a non-empty string');
  else if (spec.nodeName !== undefined) p.all('spec.nodeName', spec.nodeName, isDns1123Subdomain(spec.nodeName));
  if (spec.nodeSelector) {
    const at = 'spec.nodeSelector';
    validateNodeSelector(p, at, spec.nodeSelector);
    const terms = spec.nodeSelector.nodeSelectorTerms;
    if (terms?.length !== 1)
      p.invalid(`${at}.nodeSelectorTerms`, terms ?? null, 'must have exactly one node selector term');
  }
  for (const field of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[field] === false) p.invalid(`spec.${field}`, false, 'must be either unset or set to true');
  }
  const given = places.filter((place) => spec[place]);
  if (given.length === 0) p.required('spec', onePlace);
  else if (given.length > 1) {
    const shown = `{${given.map((g) => `\`${g}\``).join(', ')}}`;
    p.invalid('spec', shown, `${onePlace}, but multiple fields are set`);
  }
}

const has = (spec: ResourceSliceSpec, list: 'devices' | 'sharedCounters'): boolean =>
  spec[list] !== undefined || wasEmpty(spec, list);

export function validateResourceSlice(p: Problems, { spec }: ResourceSlice, old?: ResourceSlice): void {
  validateDriverName(p, 'spec.driver', spec.driver ?? '');
  const { name = '', resourceSliceCount = 0, generation = 0 } = spec.pool ?? {};
  validatePoolName(p, 'spec.pool.name', name);
  p.positive('spec.pool.resourceSliceCount', resourceSliceCount);
  if (generation < 0) p.invalid('spec.pool.generation', generation, 'must be greater than or equal to zero');
  if (old) {
    p.immutable('spec.pool.name', name, name === (old.spec.pool?.name ?? ''));
    p.immutable('spec.driver', spec.driver, spec.driver === old.spec.driver);
    p.immutable('spec.nodeName', spec.nodeName, spec.nodeName === old.spec.nodeName);
  }
  validatePlace(p, spec);
  if (has(spec, 'sharedCounters') && has(spec, 'devices')) {
    p.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed');
  }
  const { devices = [] } = spec;
  const elaborate = devices.some(({ taints, consumesCounters }) => taints?.length || consumesCounters?.length);
  const each = spec.perDeviceNodeSelection ?? false;
  validateSet(
    p,
    'spec.devices',
    devices,
    elaborate ? most.elaborateDevices : most.devices,
    ({ name: own = '' }) => own,
    (device, at) => {
      const before = old?.spec.devices?.find((other) => other.name === device.name);
      validateDevice(p, at, device, before, each);
    },
  );
  validateSet(
    p,
    'spec.sharedCounters',
    spec.sharedCounters,
    most.counterSets,
    ({ name: own = '' }) => own,
    (set, at) => {
      if (!set.name) p.required(`${at}.name`);
      else p.all(`${at}.name`, set.name, isDns1123Label(set.name));
      validateCounters(p, `${at}.counters`, set.counters);
    },
  );
}
