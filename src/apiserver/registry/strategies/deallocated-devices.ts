import type { AllocatedDeviceStatus, ResourceClaim } from '../../../api/gen/resource-v1.ts';
import type { Strategy } from '../types.ts';

/** What tells one allocated device, or one share of it, from all others. */
export const deviceKey = ({ driver, pool, device, shareID = '' }: AllocatedDeviceStatus): string =>
  JSON.stringify([driver, pool, device, shareID]);

const allocated = ({ status }: ResourceClaim): string[] => (status?.allocation?.devices?.results ?? []).map(deviceKey);

/** What is told of devices that a claim has no longer goes with them. */
export const dropDeallocated: NonNullable<Strategy['prepareForUpdate']> = (object, before, { subresource }) => {
  const claim = object as unknown as ResourceClaim;
  const { status } = claim;
  if (subresource !== 'status' || !status?.devices) return;
  const had = new Set(allocated(before as unknown as ResourceClaim));
  const has = new Set(allocated(claim));
  const isGone = (key: string): boolean => had.has(key) && !has.has(key);
  const devices = status.devices.filter((device) => !isGone(deviceKey(device)));
  if (devices.length > 0) status.devices = devices;
  else delete status.devices;
};
