import { sameValue } from '../equal.ts';
import type { PersistentVolumeClaim } from '../gen/core-v1.ts';
import { isQualifiedName } from '../names.ts';
import { compareQuantities, quantityValue } from '../quantity.ts';
import type { Problems } from './problems.ts';
import { isNativeResource, validateResourceQuantity } from './resources.ts';
import { validateClaimSpec } from './volumes.ts';

/** Claims for volumes. Upstream: `pkg/apis/core/validation`. */

const betaClass = 'volume.beta.kubernetes.io/storage-class';

export function validateClaim(p: Problems, claim: PersistentVolumeClaim, old?: PersistentVolumeClaim): void {
  validateClaimSpec(p, 'spec', claim.spec ?? {});
  if (old) validateClaimUpdate(p, claim, old);
}

/** Where the class may move from an annotation to its field, or be filled in: what of it counts as unchanged. */
function unchangedClass(p: Problems, claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const [name, was] = [claim.spec?.storageClassName, old.spec?.storageClassName];
  const [noted, had] = [claim.metadata.annotations?.[betaClass], old.metadata.annotations?.[betaClass]];
  const isFilledIn = name !== undefined && was === undefined;
  if (isFilledIn && had !== undefined && name === had && (noted === undefined || noted === had)) return true;
  if ((noted ?? '') !== (had ?? '')) {
    p.invalid(`metadata.annotations.${betaClass}`, noted ?? '', 'field is immutable');
  }
  return isFilledIn && (had === undefined || name === had);
}

const mutable =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

function validateClaimUpdate(p: Problems, claim: PersistentVolumeClaim, old: PersistentVolumeClaim): void {
  const [spec, was] = [claim.spec ?? {}, old.spec ?? {}];
  const isBound = claim.status?.phase === 'Bound';
  const requests = spec.resources?.requests;
  const now = {
    ...spec,
    volumeName: was.volumeName ? spec.volumeName : undefined,
    storageClassName: unchangedClass(p, claim, old) ? was.storageClassName : spec.storageClassName,
    resources:
      isBound && requests
        ? { ...spec.resources, requests: { ...requests, storage: was.resources?.requests?.storage } }
        : spec.resources,
    volumeAttributesClassName: isBound ? was.volumeAttributesClassName : spec.volumeAttributesClassName,
  };
  const before = { ...was, volumeName: was.volumeName || undefined };
  if (!sameValue(now, before)) p.forbidden('spec', `${mutable}\n`);
  const [size, had] = [requests?.storage ?? '0', was.resources?.requests?.storage ?? '0'];
  const reached = old.status?.capacity?.storage ?? '0';
  if (compareQuantities(size, had) < 0 && compareQuantities(size, reached) <= 0) {
    p.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity');
  }
  p.immutable('volumeMode', spec.volumeMode, spec.volumeMode === was.volumeMode);
  const attributes = spec.volumeAttributesClassName;
  if (attributes === was.volumeAttributesClassName) return;
  if (old.status?.currentVolumeAttributesClassName === undefined || attributes) return;
  const what = attributes === undefined ? 'nil' : 'empty string';
  const why = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  p.forbidden('spec.volumeAttributesClassName', why);
}

const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
].sort();

/** Whether a name is one of what a claim can be of; says what is wrong with it. */
function validateKey(p: Problems, path: string, name: string): boolean {
  const wrong = isQualifiedName(name);
  p.all(path, name, wrong);
  if (wrong.length > 0) return false;
  if (!isNativeResource(name) || name === 'storage') return true;
  p.unsupported(path, name, ['storage']);
  return false;
}

export function validateAmount(p: Problems, path: string, amount: string): boolean {
  const value = quantityValue(amount);
  if (value < 0) p.invalid(path, value, 'must be a valid resource quantity');
  return value >= 0;
}

export function validateClaimStatus(p: Problems, { spec, status = {} }: PersistentVolumeClaim): void {
  if (!spec?.accessModes?.length) p.required('Spec.accessModes');
  for (const [name, amount] of Object.entries(status.capacity ?? {})) {
    validateAmount(p, `status.capacity[${name}]`, amount);
  }
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    validateKey(p, 'status.allocatedResourceStatuses', name);
    if (!resizeStates.includes(state)) p.unsupported('status.allocatedResourceStatuses', name, resizeStates);
  }
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) {
    const at = `status.allocatedResources[${name}]`;
    if (!validateKey(p, 'status.allocatedResources', name)) continue;
    if (validateAmount(p, at, amount)) validateResourceQuantity(p, at, 'storage', amount);
  }
}
