import { readdir, readlink, rm, stat } from 'node:fs/promises';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { ContainerRuntime } from '../cri/runtime.ts';
import { annotationNames, labelNames } from './pod/labels.ts';
import type { PodCgroups } from './pod-cgroups.ts';
import type { VolumeManager } from './volumes/manager.ts';

/**
 * Takes away what is on the node of pods that nobody knows any more: they were deleted while the kubelet did not run.
 * Only called when every source of pods has been heard.
 */
export async function cleanOrphans(options: {
  runtime: ContainerRuntime;
  volumes: VolumeManager;
  podCgroups: PodCgroups;
  podLogsDir: string;
  containerLogsDir: string | undefined;
  known: (podUid: string) => boolean;
  log: Logger;
}): Promise<void> {
  const { runtime, volumes, podCgroups, podLogsDir, containerLogsDir, known, log } = options;
  const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(), runtime.listContainers()]);
  const uidOf = (item: { labels: Record<string, string> }): string => item.labels[labelNames.podUid] ?? '';
  const orphan = (uid: string): boolean => uid !== '' && !known(uid);
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn(`what is left of a pod could not be removed: ${what}`, { error: messageOf(error) });
    }
  };

  const doomed = containers.filter((c) => orphan(uidOf(c)));
  await Promise.all(
    doomed.map((c) =>
      attempt(c.id, async () => {
        const grace = Number(
          c.annotations[annotationNames.podDeletionGracePeriod] ??
            c.annotations[annotationNames.podTerminationGracePeriod] ??
            30,
        );
        if (c.state === 'CONTAINER_RUNNING') await runtime.stopContainer(c.id, Math.max(2, grace));
      }),
    ),
  );
  for (const sandbox of sandboxes.filter((s) => orphan(uidOf(s)))) {
    log.info('a pod that is gone is removed', { pod: `${sandbox.metadata.namespace}/${sandbox.metadata.name}` });
    await attempt(sandbox.id, async () => {
      await runtime.stopSandbox(sandbox.id);
      await runtime.removeSandbox(sandbox.id);
    });
  }
  for (const container of doomed) await attempt(container.id, () => runtime.removeContainer(container.id));
  for (const uid of await volumes.podsOnDisk()) if (orphan(uid)) await attempt(uid, () => volumes.tearDown(uid));
  for (const { uid, path } of await podCgroups.list())
    if (orphan(uid)) await attempt(path, () => podCgroups.removePath(path));
  for (const name of await readdir(podLogsDir).catch(() => [] as string[])) {
    const uid = name.slice(name.lastIndexOf('_') + 1);
    if (name.includes('_') && orphan(uid))
      await attempt(name, () => rm(`${podLogsDir}/${name}`, { recursive: true, force: true }));
  }
  if (containerLogsDir !== undefined) await removeDanglingLinks(containerLogsDir);
}

async function removeDanglingLinks(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    const path = `${folder}/${name}`;
    const target = await readlink(path).catch(() => undefined);
    if (target !== undefined && !(await stat(target).catch(() => undefined))) await rm(path, { force: true });
  }
}
