import type { Node } from '../../api/gen/core-v1.ts';
import {
  csidrivers,
  nodes,
  persistentvolumeclaims,
  persistentvolumes,
  pods as podResource,
  volumeattachments,
} from '../../api/gen/resources.ts';
import type { VolumeAttachment } from '../../api/gen/storage-v1.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { referenceTo } from '../../client/events.ts';
import { createCommitter } from '../runtime/committer.ts';
import { findCondition } from '../runtime/conditions.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';
import { claimsOf } from '../storage-protection/controller.ts';
import { attachmentName, isAttached, isShared, type Wanted, wantedOn } from './plan.ts';

/** How long a node that is not ready may keep a volume in use before it is taken from it all the same. */
const forceAfterMs = 6 * 60_000;
const lookAgainMs = 2_000;

const outOfService = 'node.kubernetes.io/out-of-service';

/**
 * Asks CSI drivers' attachers, by VolumeAttachments, for the volumes that the pods of each node need, and takes back
 * what no pod there needs any more once the node has let go of it. Tells nodes what is attached.
 */
export function createAttachDetachController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const nodeInformer = informers.informer(nodes);
  const podInformer = informers.informer(podResource);
  const claims = informers.informer(persistentvolumeclaims);
  const volumes = informers.informer(persistentvolumes);
  const drivers = informers.informer(csidrivers);
  const attachments = informers.informer(volumeattachments);
  podInformer.addIndex('node', (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []));
  attachments.addIndex('node', ({ spec }) => [spec.nodeName]);
  attachments.addIndex('volume', ({ spec }) => [spec.source.persistentVolumeName ?? '']);
  const recorder = context.recorder('attachdetach-controller');
  const committer = createCommitter({ client, resource: nodes, informer: nodeInformer });
  /** Since when an attachment waits for its node. */
  const waiting = new Map<string, number>();

  const attach = async (name: string, node: string, { volume, driver, pods }: Wanted): Promise<boolean> => {
    const persistentVolumeName = volume.metadata.name ?? '';
    const elsewhere = attachments
      .byIndex('volume', persistentVolumeName)
      .some((one) => one.spec.nodeName !== node && one.metadata.deletionTimestamp === undefined);
    if (elsewhere && !isShared(volume)) {
      const message = `Multi-Attach error for volume "${persistentVolumeName}" Volume is already exclusively attached to one node and can't be attached to another`;
      for (const pod of pods) recorder.event(referenceTo(podResource, pod), 'Warning', 'FailedAttachVolume', message);
      return false;
    }
    const spec = { attacher: driver, nodeName: node, source: { persistentVolumeName } };
    try {
      attachments.observe(await client.create(volumeattachments, { metadata: { name }, spec }));
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error;
    }
    return true;
  };

  /** The node has let go, is gone, or may be forced. */
  const mayDetach = (attachment: VolumeAttachment, node: Node | undefined, uniqueName: string): boolean => {
    if (!node || !(node.status?.volumesInUse ?? []).includes(uniqueName)) return true;
    if (node.spec?.taints?.some(({ key }) => key === outOfService)) return true;
    const name = attachment.metadata.name ?? '';
    const since = waiting.get(name) ?? now();
    waiting.set(name, since);
    return findCondition(node.status?.conditions, 'Ready')?.status !== 'True' && now() - since > forceAfterMs;
  };

  const detach = async ({ metadata }: VolumeAttachment): Promise<void> => {
    const { name = '', uid } = metadata;
    waiting.delete(name);
    if (metadata.deletionTimestamp !== undefined) return;
    try {
      await client.delete(volumeattachments, name, { preconditions: { uid } });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  /** What is attached here by a controller of this kind, with the name that nodes know it by. */
  const attachedHere = (node: string): readonly (readonly [VolumeAttachment, string])[] =>
    attachments.byIndex('node', node).flatMap((attachment) => {
      const csi = volumes.get(attachment.spec.source.persistentVolumeName ?? '')?.spec?.csi;
      if (!csi || attachment.metadata.name !== attachmentName(csi.volumeHandle, csi.driver, node)) return [];
      return [[attachment, `kubernetes.io/csi/${csi.driver}^${csi.volumeHandle}`] as const];
    });

  const tellNode = async (node: Node, wanted: ReadonlyMap<string, Wanted>): Promise<void> => {
    const names = attachedHere(node.metadata.name ?? '')
      .filter(([attachment]) => isAttached(attachment) && wanted.has(attachment.metadata.name ?? ''))
      .map(([, name]) => name)
      .toSorted();
    const volumesAttached = names.map((name) => ({ name, devicePath: '' }));
    const known = (node.status?.volumesAttached ?? []).map(({ name }) => name).toSorted();
    if (names.join('\n') === known.join('\n')) return;
    const { volumesAttached: _, ...status } = node.status ?? {};
    await committer.commitStatus(node, {
      ...node,
      status: volumesAttached.length === 0 ? status : { ...status, volumesAttached },
    });
  };

  return createController({
    name: 'attach-detach',
    log: context.log.child('attach-detach'),
    watches: (queue) => [
      watching(queue, podInformer, (pod) => (claimsOf(pod).length > 0 ? pod.spec?.nodeName : undefined)),
      watching(
        queue,
        nodeInformer,
        (node) => node.metadata.name,
        (node, old) => node.status?.volumesInUse?.join() !== old.status?.volumesInUse?.join(),
      ),
      watching(queue, attachments, ({ spec }) => spec.nodeName),
      watching(queue, claims, ({ metadata, spec }) =>
        spec?.volumeName === undefined
          ? undefined
          : podInformer
              .list(metadata.namespace)
              .filter((pod) => pod.spec?.nodeName && claimsOf(pod).includes(metadata.name ?? ''))
              .map((pod) => pod.spec?.nodeName ?? ''),
      ),
      watching(queue, volumes, () => undefined),
      watching(queue, drivers, () => undefined),
    ],
    async reconcile(name): Promise<Outcome> {
      const node = nodeInformer.get(name);
      const managed = node?.metadata.annotations?.['volumes.kubernetes.io/controller-managed-attach-detach'] === 'true';
      if (node && !managed) return undefined;
      const wanted = wantedOn({
        node: name,
        pods: node ? podInformer.byIndex('node', name) : [],
        claim: (claim, namespace) => claims.get(claim, namespace),
        volume: (volume) => volumes.get(volume),
        attaches: (driver) => drivers.get(driver)?.spec.attachRequired !== false,
      });
      let complete = true;
      const here = attachedHere(name);
      if (node) await tellNode(node, wanted);
      for (const [attachment, uniqueName] of here) {
        if (wanted.has(attachment.metadata.name ?? '')) continue;
        if (mayDetach(attachment, node, uniqueName)) await detach(attachment);
        else complete = false;
      }
      const have = new Set(here.map(([attachment]) => attachment.metadata.name));
      for (const [key, one] of wanted) if (!have.has(key)) complete = (await attach(key, name, one)) && complete;
      return complete ? undefined : { requeueAfterMs: lookAgainMs };
    },
  });
}
