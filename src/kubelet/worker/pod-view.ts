import { open } from 'node:fs/promises';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import type { Container, ContainerStatus, SandboxStatus } from '../../cri/types.ts';
import { annotationNames, labelNames } from '../pod/labels.ts';

export interface ContainerView extends ContainerStatus {
  name: string;
  sandboxId: string;
  restartCount: number;
  hash: string;
}

/** What the runtime holds of one pod; newest first. */
export interface PodView {
  sandboxes: SandboxStatus[];
  containers: ContainerView[];
}

export const emptyView: PodView = { sandboxes: [], containers: [] };

/** The newest container of a name. */
export const newest = (view: PodView, name: string): ContainerView | undefined =>
  view.containers.find((c) => c.name === name);

/**
 * The sandbox in which the pod's containers run or are to run; undefined where a new one is needed (none, not ready,
 * or no address yet).
 */
export function currentSandbox(view: PodView): SandboxStatus | undefined {
  const [first] = view.sandboxes;
  if (first === undefined || first.state !== 'SANDBOX_READY') return undefined;
  const hostNetwork = first.linux?.namespaces?.options?.network === 'NODE';
  return hostNetwork || first.network?.ip ? first : undefined;
}

export const sandboxIPs = (sandbox: SandboxStatus | undefined): string[] =>
  sandbox?.network?.ip ? [sandbox.network.ip, ...sandbox.network.additionalIps.map((a) => a.ip)] : [];

const maxMessageBytes = 4096;
const maxLogMessageBytes = 2048;
const maxLogMessageLines = 80;

async function readTail(path: string, bytes: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, bytes));
    await file.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString();
  } finally {
    await file.close();
  }
}

/** The texts of the last lines of a log in the runtime interface's format. */
function logText(tail: string): string {
  const lines = tail.split('\n').filter((line) => line !== '');
  const texts = lines.slice(-maxLogMessageLines).map((line) => {
    const [, , tag = '', ...rest] = line.split(' ');
    return tag.startsWith('P') ? rest.join(' ') : `${rest.join(' ')}\n`;
  });
  return Buffer.from(texts.join('')).subarray(-maxLogMessageBytes).toString();
}

/** What the container left in its termination message file, or in its log where it failed and wanted that. */
async function terminationMessage(status: ContainerStatus): Promise<string> {
  const path = status.annotations[annotationNames.terminationMessagePath];
  const policy = status.annotations[annotationNames.terminationMessagePolicy];
  let message = '';
  const mount = path ? status.mounts.find((m) => m.containerPath === path) : undefined;
  if (mount) {
    try {
      message = await readTail(mount.hostPath, maxMessageBytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        return `Error on reading termination log ${mount.hostPath}: ${(error as Error).message}`;
    }
  }
  const wantsLog =
    policy === 'FallbackToLogsOnError' && status.exitCode !== 0 && status.reason !== 'ContainerCannotRun';
  if (message !== '' || !wantsLog) return message;
  try {
    return logText(await readTail(status.logPath, maxLogMessageBytes * 4));
  } catch {
    return '';
  }
}

/** Reads pods' views; what cannot change any more (an exited container, a ready sandbox) is asked for once. */
export interface PodViewReader {
  read(podUid: string): Promise<PodView>;
  /** Reads the container again although its state is the same (its resources were changed). */
  forget(containerId: string): void;
  forgetPod(podUid: string): void;
}

export function createPodViewReader(runtime: ContainerRuntime): PodViewReader {
  const containers = new Map<string, ContainerView>();
  const sandboxes = new Map<string, SandboxStatus>();
  const byPod = new Map<string, Set<string>>();

  const readContainer = async (item: Container): Promise<ContainerView | undefined> => {
    const known = containers.get(item.id);
    if (known && known.state === item.state) return known;
    const status = await runtime.containerStatus(item.id);
    if (!status) return undefined;
    if (status.state === 'CONTAINER_EXITED') {
      const left = await terminationMessage(status);
      if (left !== '') status.message = status.message === '' ? left : `${status.message}: ${left}`;
    }
    const view: ContainerView = {
      ...status,
      name: status.labels[labelNames.containerName] ?? status.metadata.name,
      sandboxId: item.podSandboxId,
      restartCount: Number(status.annotations[annotationNames.restartCount] ?? status.metadata.attempt),
      hash: status.annotations[annotationNames.hash] ?? '',
    };
    containers.set(item.id, view);
    return view;
  };

  return {
    async read(podUid) {
      const [sandboxItems, containerItems] = await Promise.all([
        runtime.listSandboxes({ podUid }),
        runtime.listContainers({ podUid }),
      ]);
      const [sandboxViews, containerViews] = await Promise.all([
        Promise.all(
          sandboxItems.map(async (item) => {
            const known = sandboxes.get(item.id);
            if (known && known.state === item.state && (known.network?.ip || item.state === 'SANDBOX_NOTREADY'))
              return known;
            const status = await runtime.sandboxStatus(item.id);
            if (status) sandboxes.set(item.id, status);
            return status;
          }),
        ),
        Promise.all(containerItems.map(readContainer)),
      ]);
      const ids = new Set([...sandboxItems, ...containerItems].map((i) => i.id));
      for (const id of byPod.get(podUid) ?? [])
        if (!ids.has(id)) {
          containers.delete(id);
          sandboxes.delete(id);
        }
      byPod.set(podUid, ids);
      const newestFirst = (a: { createdAt: number }, b: { createdAt: number }): number => b.createdAt - a.createdAt;
      return {
        sandboxes: sandboxViews.filter((s) => s !== undefined).sort(newestFirst),
        containers: containerViews.filter((c) => c !== undefined).sort(newestFirst),
      };
    },
    forget: (containerId) => void containers.delete(containerId),
    forgetPod(podUid) {
      for (const id of byPod.get(podUid) ?? []) {
        containers.delete(id);
        sandboxes.delete(id);
      }
      byPod.delete(podUid);
    },
  };
}
