import { sameValue } from '../equal.ts';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimStatus,
} from '../gen/resource-v1.ts';
import { isDns1123Label } from '../names.ts';
import { validateInterfaceAddress } from './addresses.ts';
import { validateConditions } from './conditions.ts';
import {
  type RequestNames,
  requestNames,
  validateRequestReference,
  validateRequestReferences,
} from './device-claims.ts';
import {
  itself,
  validateBindingConditions,
  validateDeviceConfiguration,
  validateList,
  validatePoolName,
  validateRawObject,
  validateSet,
} from './device-parts.ts';
import type { Problems } from './problems.ts';
import { validateNodeSelector } from './scheduling.ts';
import { validateDriverName } from './volumes.ts';

const most = { results: 32, config: 64, reservedFor: 256, conditions: 8, ips: 16 } as const;
const longest = { data: 10 * 1024, interfaceName: 256, hardwareAddress: 128 } as const;

interface DeviceName {
  driver?: string;
  pool?: string;
  device?: string;
  shareID?: string | undefined;
}

/** Which device is meant, as upstream writes its key out. */
const deviceKey = ({ driver = '', pool = '', device = '', shareID = '' }: DeviceName): object => ({
  Driver: driver,
  Pool: pool,
  Device: device,
  ShareID: shareID,
});

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const otherForms = /^(urn:uuid:|\{)?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i;

function validateUid(p: Problems, path: string, uid: string | undefined): void {
  if (uid === undefined || uuid.test(uid)) return;
  const form = 'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx';
  const length = Buffer.byteLength(uid);
  if (otherForms.test(uid)) {
    const why = `uid must be in RFC 4122 normalized form, \`${form}\` with lowercase hexadecimal characters`;
    p.invalid(path, uid, why);
  } else {
    const wrong = [32, 36, 38, 45].includes(length) ? 'invalid UUID format' : `invalid UUID length: ${length}`;
    p.invalid(path, uid, `error validating uid: ${wrong}`);
  }
}

function validateAllocation(p: Problems, path: string, allocation: AllocationResult, names: RequestNames): void {
  const { results, config } = allocation.devices ?? {};
  validateList(p, `${path}.devices.results`, results, most.results, (result, at) => {
    validateRequestReference(p, `${at}.request`, result.request ?? '', names);
    validateDriverName(p, `${at}.driver`, result.driver ?? '');
    validatePoolName(p, `${at}.pool`, result.pool ?? '');
    p.all(`${at}.device`, result.device ?? '', isDns1123Label(result.device ?? ''));
    validateBindingConditions(p, at, result);
    validateUid(p, `${at}.shareID`, result.shareID);
  });
  validateList(p, `${path}.devices.config`, config, most.config, (entry, at) => {
    p.oneOf(`${at}.source`, entry.source, ['FromClaim', 'FromClass']);
    validateRequestReferences(p, `${at}.requests`, entry.requests, names);
    validateDeviceConfiguration(p, at, entry);
  });
  if (allocation.nodeSelector) validateNodeSelector(p, `${path}.nodeSelector`, allocation.nodeSelector);
}

function validateNetwork(p: Problems, path: string, data: NetworkDeviceData): void {
  for (const field of ['interfaceName', 'hardwareAddress'] as const) {
    if (Buffer.byteLength(data[field] ?? '') > longest[field]) p.tooLong(`${path}.${field}`, longest[field]);
  }
  validateSet(p, `${path}.ips`, data.ips, most.ips, itself, (address, at) => validateInterfaceAddress(p, at, address));
}

function validateDevice(p: Problems, path: string, device: AllocatedDeviceStatus, status: ResourceClaimStatus): void {
  validateDriverName(p, `${path}.driver`, device.driver ?? '');
  validatePoolName(p, `${path}.pool`, device.pool ?? '');
  p.all(`${path}.device`, device.device ?? '', isDns1123Label(device.device ?? ''));
  validateUid(p, `${path}.shareID`, device.shareID);
  const key = deviceKey(device);
  const allocated = status.allocation?.devices?.results ?? [];
  if (!allocated.some((result) => sameValue(deviceKey(result), key))) {
    p.invalid(path, key, 'must be an allocated device in the claim');
  }
  const conditions = device.conditions ?? [];
  if (conditions.length > most.conditions) p.tooMany(`${path}.conditions`, conditions.length, most.conditions);
  validateConditions(p, `${path}.conditions`, conditions);
  if (device.data !== undefined) validateRawObject(p, `${path}.data`, device.data, longest.data);
  if (device.networkData) validateNetwork(p, `${path}.networkData`, device.networkData);
}

/** What was allocated stays; who uses it comes and goes. */
export function validateResourceClaimStatus(p: Problems, claim: ResourceClaim, old: ResourceClaim): void {
  const status = claim.status ?? {};
  const reserved = status.reservedFor ?? [];
  validateSet(
    p,
    'status.reservedFor',
    reserved,
    most.reservedFor,
    ({ uid = '' }) => uid,
    (consumer, at) => {
      for (const field of ['resource', 'name', 'uid'] as const) if (!consumer[field]) p.required(`${at}.${field}`);
    },
  );
  validateSet(p, 'status.devices', status.devices, Number.POSITIVE_INFINITY, deviceKey, (device, at) =>
    validateDevice(p, at, device, status),
  );
  if (reserved.length > 0 && !status.allocation) {
    p.forbidden('status.reservedFor', 'may not be specified when `allocated` is not set');
  } else if (claim.metadata.deletionTimestamp) {
    const had = old.status?.reservedFor ?? [];
    if (reserved.some((consumer) => !had.some((other) => sameValue(consumer, other)))) {
      const why = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
      p.forbidden('status.reservedFor', why);
    }
  }
  const before = old.status?.allocation;
  const { allocation } = status;
  if (!allocation) return;
  if (before) p.immutable('status.allocation', allocation, sameValue(allocation, before));
  else validateAllocation(p, 'status.allocation', allocation, requestNames(claim.spec?.devices));
}
