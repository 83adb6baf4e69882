import { wasEmpty } from '../canonical.ts';
import { sameValue } from '../equal.ts';
import type {
  Device,
  DeviceClaim,
  DeviceClass,
  DeviceRequest,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
} from '../gen/resource-v1.ts';
import { isDns1123Label, isDns1123Subdomain } from '../names.ts';
import type { Problems } from './problems.ts';
import { isExtendedResource } from './resources.ts';
import { validateNodeSelector } from './scheduling.ts';
import { validateDriverName } from './volumes.ts';

function validateRequest(p: Problems, path: string, request: DeviceRequest): void {
  const { name = '', exactly, firstAvailable } = request;
  p.all(`${path}.name`, name, isDns1123Label(name));
  if ((exactly ? 1 : 0) + (firstAvailable?.length ? 1 : 0) !== 1) {
    p.required(path, 'exactly one of `exactly` or `firstAvailable` is required');
    return;
  }
  const choices = exactly
    ? [{ at: `${path}.exactly`, choice: exactly }]
    : (firstAvailable ?? []).map((choice, i) => ({ at: `${path}.firstAvailable[${i}]`, choice }));
  for (const { at, choice } of choices) {
    const deviceClass = choice.deviceClassName;
    if (!deviceClass) p.required(`${at}.deviceClassName`);
    else p.all(`${at}.deviceClassName`, deviceClass, isDns1123Subdomain(deviceClass));
    const modes = ['All', 'ExactCount'];
    const mode = choice.allocationMode;
    if (mode !== undefined && !modes.includes(mode)) p.unsupported(`${at}.allocationMode`, mode, modes);
    else if (mode === 'ExactCount') p.positive(`${at}.count`, choice.count ?? 0);
  }
}

function validateClaimDevices(p: Problems, path: string, devices: DeviceClaim | undefined): void {
  const names = new Set<string>();
  for (const [i, request] of (devices?.requests ?? []).entries()) {
    const at = `${path}.requests[${i}]`;
    validateRequest(p, at, request);
    if (names.has(request.name)) p.duplicate(at, request.name);
    names.add(request.name);
  }
}

export function validateResourceClaim(p: Problems, { spec }: ResourceClaim, old?: ResourceClaim): void {
  if (old) p.immutable('spec', spec, sameValue(spec, old.spec));
  validateClaimDevices(p, 'spec.devices', spec?.devices);
}

export function validateResourceClaimTemplate(
  p: Problems,
  { spec }: ResourceClaimTemplate,
  old?: ResourceClaimTemplate,
): void {
  if (old) p.immutable('spec', spec, sameValue(spec, old.spec));
  validateClaimDevices(p, 'spec.spec.devices', spec?.spec?.devices);
}

export function validateDeviceClass(p: Problems, { spec }: DeviceClass): void {
  for (const [i, selector] of (spec?.selectors ?? []).entries())
    if (!selector.cel) p.required(`spec.selectors[${i}].cel`);
  const name = spec?.extendedResourceName;
  if (name !== undefined && !isExtendedResource(name)) {
    p.invalid('spec.extendedResourceName', name, 'must be a valid extended resource name');
  }
}

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

const places = ['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'] as const;
const onePlace = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

export function validateResourceSlice(p: Problems, { spec }: ResourceSlice): void {
  validateDriverName(p, 'spec.driver', spec.driver ?? '');
  const { name = '', resourceSliceCount = 0, generation = 0 } = spec.pool ?? {};
  if (name === '') p.required('spec.pool.name');
  else {
    if (name.length > 253) p.tooLong('spec.pool.name', 253);
    for (const part of name.split('/')) p.all('spec.pool.name', part, isDns1123Subdomain(part));
  }
  p.positive('spec.pool.resourceSliceCount', resourceSliceCount);
  if (generation < 0) p.invalid('spec.pool.generation', generation, 'must be greater than or equal to zero');
  const given = places.filter((place) => spec[place]);
  if (spec.nodeName === '') p.invalid('spec.nodeName', '', 'must be either unset or set to a non-empty string');
  else if (spec.nodeName !== undefined) p.all('spec.nodeName', spec.nodeName, isDns1123Subdomain(spec.nodeName));
  if (spec.nodeSelector) {
    const at = 'spec.nodeSelector';
    validateNodeSelector(p, at, spec.nodeSelector);
    const terms = spec.nodeSelector.nodeSelectorTerms;
    if (terms?.length !== 1)
      p.invalid(`${at}.nodeSelectorTerms`, terms ?? null, 'must have exactly one node selector term');
  }
  if (given.length === 0) p.required('spec', onePlace);
  else if (given.length > 1) {
    const shown = `{${given.map((g) => `\`${g}\``).join(', ')}}`;
    p.invalid('spec', shown, `${onePlace}, but multiple fields are set`);
  }
  const counters = spec.sharedCounters !== undefined || wasEmpty(spec, 'sharedCounters');
  if (counters && (spec.devices !== undefined || wasEmpty(spec, 'devices'))) {
    p.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed');
  }
  const names = new Set<string>();
  for (const [i, device] of (spec.devices ?? []).entries()) {
    p.all(`spec.devices[${i}].name`, device.name ?? '', isDns1123Label(device.name ?? ''));
    validateDevicePlace(p, `spec.devices[${i}]`, device, spec.perDeviceNodeSelection ?? false);
    if (names.has(device.name)) p.duplicate(`spec.devices[${i}]`, device.name);
    names.add(device.name);
  }
}
