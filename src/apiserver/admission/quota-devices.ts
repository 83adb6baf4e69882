import type { Pod } from '../../api/gen/core-v1.ts';
import type { DeviceClass, ResourceClaim } from '../../api/gen/resource-v1.ts';
import { type Devices, devicesAmong, isForExtended, noDevices } from '../../api/quota/devices.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { type AdmissionContext, listAll } from './plugin.ts';

/** What must be looked up to count what a request is about. */
export async function devicesFor(context: AdmissionContext, attributes: AdmissionAttributes): Promise<Devices> {
  const { group, resource, namespace } = attributes;
  if (group !== 'resource.k8s.io' || resource !== 'resourceclaims') return noDevices;
  const all = async <T>(place: { group: string; resource: string }, within?: string): Promise<readonly T[]> =>
    (await listAll(context, place, within)) as unknown as readonly T[];
  const claims = [attributes.object, attributes.oldObject] as unknown as (ResourceClaim | undefined)[];
  const withPods = claims.some((claim) => claim && isForExtended(claim));
  return devicesAmong({
    classes: await all<DeviceClass>({ group, resource: 'deviceclasses' }),
    pods: withPods ? await all<Pod>({ group: '', resource: 'pods' }, namespace) : [],
    claims: withPods ? await all<ResourceClaim>({ group, resource }, namespace) : [],
  });
}
