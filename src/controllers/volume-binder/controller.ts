import type { PersistentVolume, PersistentVolumeClaim } from '../../api/gen/core-v1.ts';
import { persistentvolumeclaims, persistentvolumes, storageclasses } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import { classOfClaim, findVolume } from '../../api/volume-match.ts';
import type { Component } from '../../base/component.ts';
import { referenceTo } from '../../client/events.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';

const bindCompleted = 'pv.kubernetes.io/bind-completed';
const boundByController = 'pv.kubernetes.io/bound-by-controller';
const provisionerAnnotation = 'volume.kubernetes.io/storage-provisioner';
const betaProvisioner = 'volume.beta.kubernetes.io/storage-provisioner';
export const selectedNode = 'volume.kubernetes.io/selected-node';

/** Brings claims and volumes together, and follows both to their end. Provisioning is left to whoever provisions. */
export function createVolumeBinderController(context: ControllerContext): Component {
  const { client, informers } = context;
  const claims = informers.informer(persistentvolumeclaims);
  const volumes = informers.informer(persistentvolumes);
  const classes = informers.informer(storageclasses);
  const recorder = context.recorder('persistentvolume-controller');
  const claimCommitter = createCommitter({ client, resource: persistentvolumeclaims, informer: claims });
  const volumeCommitter = createCommitter({ client, resource: persistentvolumes, informer: volumes });

  const setVolumePhase = async (volume: PersistentVolume, phase: string): Promise<void> => {
    if (volume.status?.phase === phase) return;
    await volumeCommitter.commitStatus(volume, { ...volume, status: { ...volume.status, phase } });
  };

  const setClaimPhase = async (
    claim: PersistentVolumeClaim,
    status: PersistentVolumeClaim['status'],
  ): Promise<void> => {
    await claimCommitter.commitStatus(claim, { ...claim, status: { ...claim.status, ...status } });
  };

  /** Both sides name each other; the claim's status then tells what it got. */
  const bind = async (volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> => {
    const { name, namespace, uid, resourceVersion } = claim.metadata;
    const claimRef = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      name,
      namespace,
      uid,
      resourceVersion: volume.spec?.claimRef?.resourceVersion ?? resourceVersion,
    };
    let boundVolume = volume;
    if (volume.spec?.claimRef?.uid !== uid) {
      const byUs = volume.spec?.claimRef ? {} : { [boundByController]: 'yes' };
      boundVolume = await volumeCommitter.commit(volume, {
        ...volume,
        metadata: { ...volume.metadata, annotations: { ...volume.metadata.annotations, ...byUs } },
        spec: { ...volume.spec, claimRef },
      });
    }
    await setVolumePhase(boundVolume, 'Bound');
    const byUs = claim.spec?.volumeName ? {} : { [boundByController]: 'yes' };
    const annotations = { ...claim.metadata.annotations, [bindCompleted]: 'yes', ...byUs };
    const boundClaim = await claimCommitter.commit(claim, {
      ...claim,
      metadata: { ...claim.metadata, annotations },
      spec: { ...claim.spec, volumeName: volume.metadata.name },
    } as PersistentVolumeClaim);
    const { accessModes, capacity } = volume.spec ?? {};
    await setClaimPhase(boundClaim, { phase: 'Bound', accessModes, capacity });
  };

  const waitsForConsumer = (claim: PersistentVolumeClaim): boolean =>
    classes.get(classOfClaim(claim))?.volumeBindingMode === 'WaitForFirstConsumer' &&
    claim.metadata.annotations?.[selectedNode] === undefined;

  /** Tells the provisioner of the claim's class that the claim is for it. */
  const askForProvisioning = async (claim: PersistentVolumeClaim): Promise<void> => {
    const about = referenceTo(persistentvolumeclaims, claim);
    const className = classOfClaim(claim);
    const provisioner = classes.get(className)?.provisioner;
    if (className === '' || provisioner === 'kubernetes.io/no-provisioner') {
      const message = 'no persistent volumes available for this claim and no storage class is set';
      recorder.event(about, 'Normal', 'FailedBinding', message);
      return;
    }
    if (provisioner === undefined) {
      const message = `storageclass.storage.k8s.io "${className}" not found`;
      recorder.event(about, 'Warning', 'ProvisioningFailed', message);
      return;
    }
    if (claim.metadata.annotations?.[provisionerAnnotation] !== provisioner) {
      const annotations = {
        ...claim.metadata.annotations,
        [provisionerAnnotation]: provisioner,
        [betaProvisioner]: provisioner,
      };
      await claimCommitter.commit(claim, { ...claim, metadata: { ...claim.metadata, annotations } });
    }
    const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
    recorder.event(about, 'Normal', 'ExternalProvisioning', message);
  };

  const syncClaim = async (claim: PersistentVolumeClaim): Promise<Outcome> => {
    const { volumeName } = claim.spec ?? {};
    if (volumeName) {
      const volume = volumes.get(volumeName);
      const wasBound = claim.metadata.annotations?.[bindCompleted] !== undefined;
      if (!volume) {
        if (wasBound && claim.status?.phase !== 'Lost') {
          await setClaimPhase(claim, { phase: 'Lost' });
          const message = 'Bound claim has lost its PersistentVolume. Data on the volume is lost!';
          recorder.event(referenceTo(persistentvolumeclaims, claim), 'Warning', 'ClaimLost', message);
        } else if (!wasBound) {
          await setClaimPhase(claim, { phase: 'Pending' });
        }
        return undefined;
      }
      const ref = volume.spec?.claimRef;
      const foreign =
        ref &&
        (ref.name !== claim.metadata.name ||
          ref.namespace !== claim.metadata.namespace ||
          (ref.uid && ref.uid !== claim.metadata.uid));
      if (foreign) await setClaimPhase(claim, { phase: wasBound ? 'Lost' : 'Pending' });
      else if (claim.metadata.deletionTimestamp === undefined) await bind(volume, claim);
      return undefined;
    }
    if (claim.metadata.deletionTimestamp !== undefined) return undefined;
    const volume = waitsForConsumer(claim)
      ? volumes.list().find((v) => v.spec?.claimRef?.uid === claim.metadata.uid)
      : findVolume(volumes.list(), claim);
    if (volume) {
      await bind(volume, claim);
      return undefined;
    }
    if (claim.status?.phase !== 'Pending') await setClaimPhase(claim, { phase: 'Pending' });
    if (waitsForConsumer(claim)) {
      const message = 'waiting for first consumer to be created before binding';
      recorder.event(referenceTo(persistentvolumeclaims, claim), 'Normal', 'WaitForFirstConsumer', message);
      return undefined;
    }
    await askForProvisioning(claims.get(claim.metadata.name ?? '', claim.metadata.namespace) ?? claim);
    return undefined;
  };

  const syncVolume = async (volume: PersistentVolume): Promise<Outcome> => {
    const ref = volume.spec?.claimRef;
    if (!ref) {
      await setVolumePhase(volume, 'Available');
      return undefined;
    }
    if (!ref.uid) {
      await setVolumePhase(volume, 'Available');
      return undefined;
    }
    let claim = claims.get(ref.name ?? '', ref.namespace);
    if (!claim) {
      try {
        claim = await client.get(persistentvolumeclaims, ref.name ?? '', { namespace: ref.namespace });
      } catch (error) {
        if (!isApiError(error, 'NotFound')) throw error;
      }
    }
    if (claim?.metadata.uid === ref.uid) return undefined;
    await setVolumePhase(volume, 'Released');
    if (volume.spec?.persistentVolumeReclaimPolicy !== 'Delete') return undefined;
    const driver = volume.metadata.annotations?.['pv.kubernetes.io/provisioned-by'];
    // Who made the volume deletes it; nobody else knows how.
    if (driver === undefined && volume.spec.hostPath === undefined) {
      const message = 'error getting deleter volume plugin for volume: no volume plugin matched';
      recorder.event(referenceTo(persistentvolumes, volume), 'Warning', 'VolumeFailedDelete', message);
      await setVolumePhase(volumes.get(volume.metadata.name ?? '') ?? volume, 'Failed');
    }
    return undefined;
  };

  return createController({
    name: 'volume-binder',
    log: context.log.child('volume-binder'),
    workers: 1,
    watches: (queue) => [
      watching(queue, claims, (claim) => [
        `claim ${keyOf(claim)}`,
        ...(claim.spec?.volumeName ? [`volume ${claim.spec.volumeName}`] : []),
      ]),
      watching(queue, volumes, (volume) => {
        const ref = volume.spec?.claimRef;
        const own = `volume ${keyOf(volume)}`;
        if (ref) return [own, `claim ${ref.namespace}/${ref.name}`];
        const pending = claims.list().filter((c) => !c.spec?.volumeName);
        return [own, ...pending.map((c) => `claim ${keyOf(c)}`)];
      }),
      watching(queue, classes, () =>
        claims
          .list()
          .filter((c) => !c.spec?.volumeName)
          .map((c) => `claim ${keyOf(c)}`),
      ),
    ],
    async reconcile(key) {
      const [kind, rest = ''] = key.split(' ');
      const { namespace, name } = splitKey(rest);
      if (kind === 'claim') {
        const claim = claims.get(name, namespace);
        return claim ? syncClaim(claim) : undefined;
      }
      const volume = volumes.get(name);
      return volume ? syncVolume(volume) : undefined;
    },
  });
}
