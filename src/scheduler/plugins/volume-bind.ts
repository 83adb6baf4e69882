import type { PersistentVolumeClaim } from '../../api/gen/core-v1.ts';
import { persistentvolumeclaims, persistentvolumes } from '../../api/gen/resources.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import type { VolumeDecision } from './volumes.ts';

const bindCompleted = 'pv.kubernetes.io/bind-completed';
const selectedNode = 'volume.kubernetes.io/selected-node';
const bindTimeoutMs = 600_000;

/** Makes the decision known and waits until every claim is bound. Rejects when one is not in time. */
export async function bindVolumes(options: {
  client: Client;
  claims: Informer<PersistentVolumeClaim>;
  decision: VolumeDecision;
  node: string;
  signal: AbortSignal;
}): Promise<void> {
  const { client, claims, decision, node, signal } = options;
  for (const { claim, volume } of decision.volumes) {
    const { name, namespace, uid, resourceVersion } = claim.metadata;
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion };
    const body = {
      metadata: {
        uid: volume.metadata.uid,
        resourceVersion: volume.metadata.resourceVersion,
        annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' },
      },
      spec: { claimRef },
    };
    await client.patch(persistentvolumes, volume.metadata.name ?? '', { type: 'merge', body }, { signal });
  }
  for (const { metadata } of decision.provision) {
    if (metadata.annotations?.[selectedNode] === node) continue;
    const body = { metadata: { uid: metadata.uid, annotations: { [selectedNode]: node } } };
    const at = { namespace: metadata.namespace, signal };
    await client.patch(persistentvolumeclaims, metadata.name ?? '', { type: 'merge', body }, at);
  }
  await allBound(claims, [...decision.volumes.map((v) => v.claim), ...decision.provision], signal);
}

/** Resolves when the claims are bound. */
function allBound(
  informer: Informer<PersistentVolumeClaim>,
  wanted: readonly PersistentVolumeClaim[],
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const isBound = ({ metadata }: PersistentVolumeClaim): boolean => {
    const now = informer.get(metadata.name ?? '', metadata.namespace);
    return Boolean(now?.spec?.volumeName) && now?.metadata.annotations?.[bindCompleted] !== undefined;
  };
  const look = (): void => {
    if (wanted.every(isBound)) resolve();
  };
  const lost = (claim: PersistentVolumeClaim): void => {
    if (wanted.some((w) => w.metadata.uid === claim.metadata.uid)) {
      reject(new Error(`persistentvolumeclaim "${claim.metadata.name}" was deleted`));
    }
  };
  const remove = informer.addHandler({ add: look, update: look, delete: lost });
  const timer = setTimeout(
    () => reject(new Error('timed out waiting for the condition: binding volumes')),
    bindTimeoutMs,
  );
  const stop = (): void => reject(new Error('the scheduler stops'));
  signal.addEventListener('abort', stop, { once: true });
  look();
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    remove();
  });
}
