import type { PersistentVolume, PersistentVolumeClaim } from './gen/core-v1.ts';
import { compareQuantities } from './quantity.ts';
import { labelSelectorMatches } from './selectors.ts';

export const classOfClaim = (claim: PersistentVolumeClaim): string =>
  claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName ?? '';

const classOfVolume = (volume: PersistentVolume): string =>
  volume.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? volume.spec?.storageClassName ?? '';

const sizeOf = (volume: PersistentVolume): string => (volume.spec?.capacity?.storage as string | undefined) ?? '0';

/** Whether the volume is reserved for this claim by name (and uid, once it is bound). */
export function isReservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const ref = volume.spec?.claimRef;
  if (!ref || ref.namespace !== claim.metadata.namespace || ref.name !== claim.metadata.name) return false;
  return !ref.uid || ref.uid === claim.metadata.uid;
}

function suits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const wanted = (claim.spec?.resources?.requests?.storage as string | undefined) ?? '0';
  const { accessModes = [], volumeMode = 'Filesystem' } = volume.spec ?? {};
  if (volume.metadata.deletionTimestamp !== undefined) return false;
  if ((claim.spec?.volumeMode ?? 'Filesystem') !== volumeMode) return false;
  if (compareQuantities(sizeOf(volume), wanted) < 0) return false;
  return (claim.spec?.accessModes ?? []).every((mode) => accessModes.includes(mode));
}

/** The volume to bind: one reserved for the claim, else the smallest free one that suits. */
export function findVolume(
  volumes: readonly PersistentVolume[],
  claim: PersistentVolumeClaim,
  alsoSuits: (volume: PersistentVolume) => boolean = () => true,
): PersistentVolume | undefined {
  const reserved = volumes.find((v) => isReservedFor(v, claim) && suits(v, claim));
  if (reserved) return reserved;
  return volumes
    .filter(
      (v) =>
        !v.spec?.claimRef &&
        v.status?.phase !== 'Failed' &&
        v.status?.phase !== 'Released' &&
        classOfVolume(v) === classOfClaim(claim) &&
        (claim.spec?.selector === undefined || labelSelectorMatches(claim.spec.selector, v.metadata.labels)) &&
        suits(v, claim) &&
        alsoSuits(v),
    )
    .sort((a, b) => compareQuantities(sizeOf(a), sizeOf(b)))[0];
}
