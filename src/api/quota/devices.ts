import type { Pod } from '../gen/core-v1.ts';
import type { DeviceClass, ResourceClaim } from '../gen/resource-v1.ts';

/** What must be known of other objects to count a claim of devices. */
export interface Devices {
  /** The device classes that there are, with the resource by whose name pods may ask for their devices. */
  readonly classes: ReadonlyMap<string, string | undefined>;
  /** The pod for which a claim stands: it asked for the devices as for any other resource. */
  podOf(claim: ResourceClaim): Pod | undefined;
}

export const noDevices: Devices = { classes: new Map(), podOf: () => undefined };

/** Whether a claim was made for a pod that asks for devices by the name of a resource. */
export const isForExtended = ({ metadata }: ResourceClaim): boolean =>
  metadata.annotations?.['resource.kubernetes.io/extended-resource-claim'] === 'true';

const ownerOf = ({ metadata }: ResourceClaim) => {
  const owner = metadata.ownerReferences?.find((reference) => reference.controller === true);
  return owner?.kind === 'Pod' && owner.apiVersion === 'v1' ? owner : undefined;
};

/** What is about to be made has no time yet: it is the youngest. */
const bornAt = ({ metadata }: ResourceClaim): number =>
  metadata.creationTimestamp === undefined ? Number.POSITIVE_INFINITY : Date.parse(metadata.creationTimestamp);

const isBefore = (a: ResourceClaim, b: ResourceClaim): boolean =>
  bornAt(a) < bornAt(b) || (bornAt(a) === bornAt(b) && (a.metadata.name ?? '') < (b.metadata.name ?? ''));

/** What is known from these objects; pods and claims are those of one namespace. */
export function devicesAmong(among: {
  classes: readonly DeviceClass[];
  pods: readonly Pod[];
  claims: readonly ResourceClaim[];
}): Devices {
  return {
    classes: new Map(among.classes.map(({ metadata, spec }) => [metadata.name ?? '', spec.extendedResourceName])),
    podOf(claim) {
      const owner = isForExtended(claim) ? ownerOf(claim) : undefined;
      const pod =
        owner && among.pods.find(({ metadata }) => metadata?.name === owner.name && metadata.uid === owner.uid);
      if (!pod) return undefined;
      const status = pod.status?.extendedResourceClaimStatus;
      if (status) return status.resourceClaimName === claim.metadata.name ? pod : undefined;
      // A pod that names none stands for the first alone: others must not be free for it.
      const rivals = among.claims.filter((other) => isForExtended(other) && ownerOf(other)?.uid === owner.uid);
      return rivals.some((other) => isBefore(other, claim)) ? undefined : pod;
    },
  };
}
