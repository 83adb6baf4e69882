import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { applyDefaults } from '../api/defaults.ts';
import type { Node, Pod } from '../api/gen/core-v1.ts';
import { pods } from '../api/gen/resources.ts';
import { isApiError } from '../api/status.ts';
import { delay } from '../base/abort.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import type { NodePod } from './pod/pod.ts';

const annotation = {
  hash: 'kubernetes.io/config.hash',
  seen: 'kubernetes.io/config.seen',
  source: 'kubernetes.io/config.source',
  mirror: 'kubernetes.io/config.mirror',
} as const;

/** The pod that a file describes, with the identity that this node gives it. Throws for what is no pod. */
export function staticPod(options: { text: string; path: string; nodeName: string; now: string }): NodePod {
  const { text, path, nodeName, now } = options;
  const given = parse(text) as Pod | null;
  if (given?.kind !== 'Pod' || given.apiVersion !== 'v1' || !given.metadata?.name || !given.spec)
    throw new TypeError(`${path}: not a v1 Pod with a name`);
  const uid = createHash('md5').update(`host:${nodeName}\nfile:${path}\n${text}`).digest('hex');
  const pod: Pod = {
    ...given,
    metadata: {
      ...given.metadata,
      name: `${given.metadata.name}-${nodeName.toLowerCase()}`,
      namespace: given.metadata.namespace || 'default',
      uid,
      annotations: {
        ...given.metadata.annotations,
        [annotation.hash]: uid,
        [annotation.seen]: now,
        [annotation.source]: 'file',
      },
    },
    spec: {
      ...given.spec,
      nodeName,
      // No taint of the node keeps a static pod away.
      tolerations: [...(given.spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
  };
  delete pod.status;
  applyDefaults({ group: '', version: 'v1', kind: 'Pod' }, pod);
  return pod as NodePod;
}

/** Calls back with the pods of the folder's files as files come, change and go. */
export function createStaticPodSource(options: {
  folder: string;
  nodeName: string;
  upsert: (pod: NodePod) => void;
  gone: (pod: NodePod) => void;
  log: Logger;
}): { start(): Promise<void>; stop(): Promise<void> } {
  const { folder, nodeName, upsert, gone, log } = options;
  const known = new Map<string, NodePod>();
  const lifetime = new AbortController();
  let watcher: ReturnType<typeof watch> | undefined;
  let scanning: Promise<void> = Promise.resolve();

  const scan = async (): Promise<void> => {
    const found = new Map<string, NodePod>();
    for (const name of (await readdir(folder)).sort()) {
      if (name.startsWith('.')) continue;
      const path = `${folder}/${name}`;
      try {
        if (!(await stat(path)).isFile()) continue;
        const text = await readFile(path, 'utf8');
        found.set(path, staticPod({ text, path, nodeName, now: new Date().toISOString() }));
      } catch (error) {
        log.warn('a static pod cannot be read', { path, error: messageOf(error) });
      }
    }
    for (const [path, pod] of known) {
      if (found.get(path)?.metadata.uid === pod.metadata.uid) continue;
      known.delete(path);
      gone(pod);
    }
    for (const [path, pod] of found) {
      if (known.has(path)) continue;
      known.set(path, pod);
      upsert(pod);
    }
  };
  const rescan = (): void => {
    // An editor writes a file in several steps: wait until it is quiet.
    scanning = scanning.then(async () => {
      await delay(100, lifetime.signal);
      if (!lifetime.signal.aborted) await scan();
    });
    scanning = scanning.catch((error: unknown) => log.warn('static pods', { error: messageOf(error) }));
  };

  return {
    async start() {
      await mkdir(folder, { recursive: true });
      watcher = watch(folder, rescan);
      await scan();
    },
    async stop() {
      lifetime.abort();
      watcher?.close();
      await scanning;
    },
  };
}

/** Keeps the API showing a static pod: its mirror is made, and made anew when it is another version's or was deleted. */
export async function ensureMirror(options: {
  client: Client;
  pod: NodePod;
  existing: Pod | undefined;
  node: Node | undefined;
}): Promise<void> {
  const { client, pod, existing, node } = options;
  const { name, namespace, uid } = pod.metadata;
  if (existing) {
    if (existing.metadata.annotations?.[annotation.mirror] === uid && !existing.metadata.deletionTimestamp) return;
    await removeMirror(client, existing);
  }
  if (!node?.metadata.uid) return;
  const mirror: Pod = {
    ...pod,
    metadata: {
      ...pod.metadata,
      uid: undefined,
      annotations: { ...pod.metadata.annotations, [annotation.mirror]: uid },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Node', name: node.metadata.name ?? '', uid: node.metadata.uid, controller: true },
      ],
    },
  };
  try {
    await client.create(pods, mirror, { namespace });
  } catch (error) {
    if (!isApiError(error, 'AlreadyExists')) throw error;
    const old = await client.get(pods, name, { namespace });
    if (old.metadata.annotations?.[annotation.mirror] !== uid) await removeMirror(client, old);
  }
}

export async function removeMirror(client: Client, mirror: Pod): Promise<void> {
  const { name = '', namespace, uid } = mirror.metadata;
  try {
    await client.delete(pods, name, { namespace, gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
  }
}
