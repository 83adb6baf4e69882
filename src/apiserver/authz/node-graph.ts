import type { PersistentVolume, Pod } from '../../api/gen/core-v1.ts';
import { podReferences, type Reference } from '../../api/pod-references.ts';
import { createMirror, type Mirror } from '../mirror.ts';
import type { Registry } from '../registry/types.ts';

/**
 * Which objects belong to what runs on a node. It is asked from the node's side (a node has some hundred pods), so it
 * keeps the pods' references by node and no edges.
 */
export interface NodeGraph {
  /** Whether a pod of the node refers to it; persistent volumes count through their claims. */
  reaches(node: string, resource: string, namespace: string, name: string): boolean;
  putPod(pod: Pod): void;
  removePod(namespace: string, name: string): void;
  putVolume(volume: PersistentVolume): void;
  removeVolume(name: string): void;
  putAttachment(name: string, node: string): void;
  removeAttachment(name: string): void;
}

interface VolumeEntry {
  claim: string;
  secrets: readonly string[];
}

/** Secrets a volume names, as `namespace/name`; those without a namespace are in the claim's. */
function volumeSecrets(volume: PersistentVolume, claimNamespace: string): string[] {
  const { spec } = volume;
  const csi = spec?.csi;
  const references = [
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
    csi?.controllerPublishSecretRef,
    spec?.cephfs?.secretRef,
    spec?.flexVolume?.secretRef,
    spec?.rbd?.secretRef,
    spec?.scaleIO?.secretRef,
    spec?.iscsi?.secretRef,
  ];
  return references.flatMap((r) => (r?.name ? [`${r.namespace || claimNamespace}/${r.name}`] : []));
}

export function createNodeGraph(): NodeGraph {
  const byNode = new Map<string, Map<string, { namespace: string; references: Set<Reference> }>>();
  const nodeOf = new Map<string, string>();
  const volumes = new Map<string, VolumeEntry>();
  const attachments = new Map<string, string>();

  const podRefers = (node: string, namespace: string, reference: Reference): boolean => {
    for (const pod of byNode.get(node)?.values() ?? [])
      if (pod.namespace === namespace && pod.references.has(reference)) return true;
    return false;
  };
  const volumeReached = (node: string, { claim }: VolumeEntry): boolean => {
    const slash = claim.indexOf('/');
    return podRefers(node, claim.slice(0, slash), `persistentvolumeclaims/${claim.slice(slash + 1)}`);
  };
  const removePod = (namespace: string, name: string): void => {
    const key = `${namespace}/${name}`;
    const node = nodeOf.get(key);
    if (node === undefined) return;
    nodeOf.delete(key);
    const pods = byNode.get(node);
    pods?.delete(key);
    if (pods?.size === 0) byNode.delete(node);
  };

  return {
    removePod,
    putPod(pod) {
      const { namespace = '', name = '' } = pod.metadata ?? {};
      const node = pod.spec?.nodeName;
      const key = `${namespace}/${name}`;
      if (!node) return removePod(namespace, name);
      // A pod's references do not change once it is bound, but for ephemeral containers and claims.
      let pods = byNode.get(node);
      if (!pods) {
        pods = new Map();
        byNode.set(node, pods);
      }
      pods.set(key, { namespace, references: podReferences(pod as never) });
      nodeOf.set(key, node);
    },
    putVolume(volume) {
      const reference = volume.spec?.claimRef;
      const name = volume.metadata?.name ?? '';
      if (!reference) return void volumes.delete(name);
      volumes.set(name, {
        claim: `${reference.namespace}/${reference.name}`,
        secrets: volumeSecrets(volume, reference.namespace ?? ''),
      });
    },
    removeVolume: (name) => void volumes.delete(name),
    putAttachment: (name, node) => void attachments.set(name, node),
    removeAttachment: (name) => void attachments.delete(name),
    reaches(node, resource, namespace, name) {
      switch (resource) {
        case 'persistentvolumes': {
          const volume = volumes.get(name);
          return volume !== undefined && volumeReached(node, volume);
        }
        case 'pods':
          return nodeOf.get(`${namespace}/${name}`) === node;
        case 'volumeattachments':
          return attachments.get(name) === node;
        case 'secrets': {
          if (podRefers(node, namespace, `secrets/${name}`)) return true;
          const key = `${namespace}/${name}`;
          for (const volume of volumes.values())
            if (volume.secrets.includes(key) && volumeReached(node, volume)) return true;
          return false;
        }
        case 'configmaps':
        case 'persistentvolumeclaims':
        case 'serviceaccounts':
        case 'resourceclaims':
          return podRefers(node, namespace, `${resource}/${name}`);
        default:
          return false;
      }
    },
  };
}

/** Keeps the graph as the registry has it; resolves when it is filled. */
export async function followGraph(graph: NodeGraph, registry: Registry): Promise<Mirror> {
  const mirrors = await Promise.all([
    createMirror(registry.store('', 'pods'), {
      put: (stored) => graph.putPod(stored.object as never),
      remove: ({ namespace, name }) => graph.removePod(namespace, name),
    }),
    createMirror(registry.store('', 'persistentvolumes'), {
      put: (stored) => graph.putVolume(stored.object as never),
      remove: ({ name }) => graph.removeVolume(name),
    }),
    createMirror(registry.store('storage.k8s.io', 'volumeattachments'), {
      put: (stored) =>
        graph.putAttachment(stored.name, (stored.object.spec as { nodeName?: string } | undefined)?.nodeName ?? ''),
      remove: ({ name }) => graph.removeAttachment(name),
    }),
  ]);
  return { stop: () => mirrors.forEach((mirror) => void mirror.stop()) };
}
