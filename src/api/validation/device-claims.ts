import { sameValue } from '../equal.ts';
import type {
  DeviceClaim,
  DeviceClass,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  ResourceClaim,
  ResourceClaimTemplate,
} from '../gen/resource-v1.ts';
import { isDns1123Label, isDns1123Subdomain } from '../names.ts';
import {
  itself,
  validateDeviceConfiguration,
  validateDeviceTolerations,
  validateFullDeviceKey,
  validateList,
  validateSet,
} from './device-parts.ts';
import { validateTemplateMetadata } from './metadata.ts';
import type { Problems } from './problems.ts';
import { isExtendedResource } from './resources.ts';

const most = { requests: 32, constraints: 32, config: 32, selectors: 32, firstAvailable: 8 } as const;

/** The requests of a claim, each with those inside of it that stand for it. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>;

export const requestNames = (claim: DeviceClaim | undefined): RequestNames =>
  new Map(
    (claim?.requests ?? []).map(({ name, firstAvailable = [] }) => [name, new Set(firstAvailable.map((s) => s.name))]),
  );

const unknownRequest =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

export function validateRequestReference(p: Problems, path: string, name: string, names: RequestNames): void {
  const parts = name.split('/');
  if (parts.length <= 2) for (const part of parts) p.all(path, part, isDns1123Label(part));
  const [request = '', inner] = parts;
  const known = names.get(request);
  if (parts.length > 2 || !known || (inner !== undefined && !known.has(inner))) p.invalid(path, name, unknownRequest);
}

export function validateRequestReferences(
  p: Problems,
  path: string,
  list: readonly string[] | undefined,
  names: RequestNames,
): void {
  validateSet(p, path, list, most.requests, itself, (name, at) => validateRequestReference(p, at, name, names));
}

function validateSelectors(p: Problems, path: string, selectors: readonly DeviceSelector[] | undefined): void {
  validateList(p, path, selectors, most.selectors, ({ cel }, at) => {
    if (!cel) p.required(`${at}.cel`);
  });
}

const modes = ['All', 'ExactCount'];

function validateChoice(p: Problems, path: string, choice: Omit<DeviceSubRequest, 'name'>): void {
  const { deviceClassName = '', allocationMode = '', count = 0 } = choice;
  if (deviceClassName === '') p.required(`${path}.deviceClassName`);
  else p.all(`${path}.deviceClassName`, deviceClassName, isDns1123Subdomain(deviceClassName));
  validateSelectors(p, `${path}.selectors`, choice.selectors);
  if (allocationMode === 'All') {
    if (count !== 0) p.invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'");
  } else if (allocationMode === 'ExactCount') p.positive(`${path}.count`, count);
  else p.unsupported(`${path}.allocationMode`, allocationMode, modes);
  validateDeviceTolerations(p, `${path}.tolerations`, choice.tolerations);
}

const oneForm = 'exactly one of `exactly` or `firstAvailable` is required';

function validateRequest(p: Problems, path: string, request: DeviceRequest): void {
  const { name = '', exactly, firstAvailable = [] } = request;
  p.all(`${path}.name`, name, isDns1123Label(name));
  if (exactly && firstAvailable.length > 0) p.invalid(path, null, `${oneForm}, but multiple fields are set`);
  else if (exactly) validateChoice(p, `${path}.exactly`, exactly);
  else if (firstAvailable.length > 0) {
    validateSet(p, `${path}.firstAvailable`, firstAvailable, most.firstAvailable, nameOf, (choice, at) => {
      p.all(`${at}.name`, choice.name ?? '', isDns1123Label(choice.name ?? ''));
      validateChoice(p, at, choice);
    });
  } else p.required(path, oneForm);
}

const nameOf = ({ name = '' }: { name?: string }): string => name;

function validateConstraint(p: Problems, path: string, constraint: DeviceConstraint, names: RequestNames): void {
  validateRequestReferences(p, `${path}.requests`, constraint.requests, names);
  const { matchAttribute, distinctAttribute } = constraint;
  if (matchAttribute !== undefined) validateFullDeviceKey(p, `${path}.matchAttribute`, matchAttribute);
  else if (distinctAttribute !== undefined) validateFullDeviceKey(p, `${path}.distinctAttribute`, distinctAttribute);
  else {
    const why = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
    p.required(path, why);
  }
}

function validateClaimDevices(p: Problems, path: string, devices: DeviceClaim | undefined): void {
  const names = requestNames(devices);
  validateSet(p, `${path}.requests`, devices?.requests, most.requests, nameOf, (r, at) => validateRequest(p, at, r));
  validateList(p, `${path}.constraints`, devices?.constraints, most.constraints, (constraint, at) =>
    validateConstraint(p, at, constraint, names),
  );
  validateList(p, `${path}.config`, devices?.config, most.config, (config, at) => {
    validateRequestReferences(p, `${at}.requests`, config.requests, names);
    validateDeviceConfiguration(p, at, config);
  });
}

/** What a claim asks for never changes: a change is looked at for that alone. */
export function validateResourceClaim(p: Problems, { spec }: ResourceClaim, old?: ResourceClaim): void {
  if (old) p.immutable('spec', spec, sameValue(spec, old.spec));
  else validateClaimDevices(p, 'spec.devices', spec?.devices);
}

export function validateResourceClaimTemplate(
  p: Problems,
  { spec }: ResourceClaimTemplate,
  old?: ResourceClaimTemplate,
): void {
  validateTemplateMetadata(p, 'spec.metadata', spec?.metadata);
  validateClaimDevices(p, 'spec.spec.devices', spec?.spec?.devices);
  if (old) p.immutable('spec', spec, sameValue(spec, old.spec));
}

export function validateDeviceClass(p: Problems, { spec }: DeviceClass, old?: DeviceClass): void {
  validateSelectors(p, 'spec.selectors', spec?.selectors);
  const stored = old !== undefined && sameValue(spec?.config, old.spec?.config);
  validateList(p, 'spec.config', spec?.config, most.config, (config, at) =>
    validateDeviceConfiguration(p, at, config, stored),
  );
  const name = spec?.extendedResourceName;
  if (name !== undefined && !isExtendedResource(name)) {
    p.invalid('spec.extendedResourceName', name, 'must be a valid extended resource name');
  }
}
