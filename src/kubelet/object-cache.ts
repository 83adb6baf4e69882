import type { ConfigMap, Secret } from '../api/gen/core-v1.ts';
import { configmaps, secrets } from '../api/gen/resources.ts';
import type { KubernetesObject, Resource } from '../api/object.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import { createInformer, type Informer } from '../client/informer.ts';
import type { NodePod } from './pod/pod.ts';

/**
 * ConfigMaps and secrets that pods of this node use: each is watched by its name as long as a pod uses it, as a node may
 * not list all of them. A first read asks the API; later ones are from the copy.
 */
export interface ObjectCache {
  configMap(namespace: string, name: string): Promise<ConfigMap>;
  secret(namespace: string, name: string): Promise<Secret>;
  /** Starts watching what the pod uses; `changed` is called when one of these changes later. */
  register(pod: NodePod): void;
  unregister(podUid: string): void;
  stop(): Promise<void>;
}

interface Reference {
  kind: 'configMap' | 'secret';
  namespace: string;
  name: string;
}

/** Every configMap and secret that the pod names. */
export function referencesOf(pod: NodePod): Reference[] {
  const { spec, metadata } = pod;
  const found: Reference[] = [];
  const add = (kind: Reference['kind'], name: string | undefined): void => {
    if (name) found.push({ kind, namespace: metadata.namespace, name });
  };
  for (const secret of spec.imagePullSecrets ?? []) add('secret', secret.name);
  for (const volume of spec.volumes ?? []) {
    add('configMap', volume.configMap?.name);
    add('secret', volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      add('configMap', source.configMap?.name);
      add('secret', source.secret?.name);
    }
  }
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add('configMap', configMapRef?.name);
      add('secret', secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add('configMap', valueFrom?.configMapKeyRef?.name);
      add('secret', valueFrom?.secretKeyRef?.name);
    }
  }
  return found;
}

interface Entry {
  informer: Informer<KubernetesObject>;
  users: Set<string>;
}

export function createObjectCache(options: {
  client: Client;
  changed: (podUid: string) => void;
  log: Logger;
}): ObjectCache {
  const { client, changed, log } = options;
  const entries = new Map<string, Entry>();
  const byPod = new Map<string, Set<string>>();
  const resources = { configMap: configmaps, secret: secrets } as const;
  const keyOf = ({ kind, namespace, name }: Reference): string => `${kind}/${namespace}/${name}`;

  const watch = (reference: Reference): Entry => {
    const { kind, namespace, name } = reference;
    const informer = createInformer<KubernetesObject>({
      client,
      resource: resources[kind] as Resource<KubernetesObject>,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      log,
    });
    const entry: Entry = { informer, users: new Set() };
    const tell = (): void => {
      if (informer.hasSynced()) for (const uid of entry.users) changed(uid);
    };
    informer.addHandler({ add: tell, update: tell, delete: tell });
    informer.start();
    return entry;
  };

  const read = async <T extends KubernetesObject>(reference: Reference): Promise<T> => {
    const { kind, namespace, name } = reference;
    const entry = entries.get(keyOf(reference));
    const known = entry?.informer.get(name, namespace);
    if (known) return known as T;
    return client.get(resources[kind] as unknown as Resource<T>, name, { namespace });
  };

  const release = (key: string, podUid: string): void => {
    const entry = entries.get(key);
    if (!entry?.users.delete(podUid) || entry.users.size > 0) return;
    entries.delete(key);
    void entry.informer.stop();
  };

  return {
    configMap: (namespace, name) => read<ConfigMap>({ kind: 'configMap', namespace, name }),
    secret: (namespace, name) => read<Secret>({ kind: 'secret', namespace, name }),
    register(pod) {
      const { uid } = pod.metadata;
      const wanted = new Map(referencesOf(pod).map((r) => [keyOf(r), r]));
      const before = byPod.get(uid) ?? new Set();
      for (const [key, reference] of wanted) {
        const entry = entries.get(key) ?? watch(reference);
        entries.set(key, entry);
        entry.users.add(uid);
      }
      for (const key of before) if (!wanted.has(key)) release(key, uid);
      byPod.set(uid, new Set(wanted.keys()));
    },
    unregister(podUid) {
      for (const key of byPod.get(podUid) ?? []) release(key, podUid);
      byPod.delete(podUid);
    },
    async stop() {
      await Promise.all([...entries.values()].map((e) => e.informer.stop()));
      entries.clear();
    },
  };
}
