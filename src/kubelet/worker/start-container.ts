import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { messageOf } from '../../base/errors.ts';
import { goErrorText } from '../../cri/channel.ts';
import type { SandboxConfig, SandboxStatus } from '../../cri/types.ts';
import { ImageError } from '../images/puller.ts';
import { containerConfig } from '../pod/container-config.ts';
import { isHostNetwork, type NodePod, type PodContainer, podText } from '../pod/pod.ts';
import type { StartFailure } from '../status/container-statuses.ts';
import { goDuration } from './backoff.ts';
import { runHook } from './hooks.ts';
import { killContainer } from './kill-container.ts';
import { newest, type PodView, sandboxIPs } from './pod-view.ts';
import type { WorkerServices } from './services.ts';

/** Undefined when the container runs; else why not, and how many ms until it is worth another try. */
export type StartOutcome = undefined | (StartFailure & { retryMs?: number | undefined });

/** A container whose earlier logs are there although the runtime forgot it goes on counting from these. */
async function restartCountFromLogs(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const numbers = names.flatMap((n) => (/^(\d+)\.log/.exec(n) ? [Number.parseInt(n, 10)] : []));
  return numbers.length === 0 ? 0 : Math.max(...numbers) + 1;
}

const backoffKey = (pod: NodePod, item: PodContainer): string => `${pod.metadata.uid}/${item.container.name}`;

function checkBackoff(services: WorkerServices, pod: NodePod, item: PodContainer, view: PodView): StartOutcome {
  const { crashBackoff, event } = services;
  const last = newest(view, item.container.name);
  if (last?.state !== 'CONTAINER_EXITED') return undefined;
  const key = backoffKey(pod, item);
  const finished = last.finishedAt / 1e6;
  crashBackoff.restore(key, last.restartCount, last.startedAt / 1e6);
  const waitMs = crashBackoff.remaining(key, finished);
  if (waitMs > 0) {
    const { name } = item.container;
    event(pod, item, 'Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${podText(pod)}`);
    return {
      reason: 'CrashLoopBackOff',
      message: `back-off ${goDuration(crashBackoff.get(key))} restarting failed container=${name} pod=${podText(pod)}`,
      retryMs: waitMs,
    };
  }
  crashBackoff.next(key, finished);
  return undefined;
}

/**
 * Brings one container up: image, configuration, creation, start, post-start hook. What fails is told to the user as an
 * event and answered; nothing is thrown.
 */
export async function startContainer(
  services: WorkerServices,
  at: { pod: NodePod; item: PodContainer; view: PodView; sandbox: SandboxStatus; sandboxConfig: SandboxConfig },
): Promise<StartOutcome> {
  const { runtime, event } = services;
  const { pod, item, view, sandbox, sandboxConfig } = at;
  const { container } = item;
  const waiting = checkBackoff(services, pod, item, view);
  if (waiting) return waiting;
  const fail = (reason: string, error: unknown, eventReason = 'Failed'): StartOutcome => {
    event(pod, item, 'Warning', eventReason, `Error: ${messageOf(error)}`);
    return { reason, message: error instanceof Error ? messageOf(error) : String(error) };
  };

  let imageRef: string;
  let imageUser: { uid?: number; username?: string };
  try {
    const { ref, image } = await services.puller.ensure({
      pod,
      image: container.image ?? '',
      policy: container.imagePullPolicy,
      sandbox: sandboxConfig,
      runtimeHandler: sandbox.runtimeHandler,
      secrets: () => services.pullSecrets(pod),
      event: (type, reason, message) => event(pod, item, type, reason, message),
    });
    imageRef = ref;
    const uid = image?.uid?.value;
    imageUser = { ...(uid === undefined ? {} : { uid }), ...(image?.username ? { username: image.username } : {}) };
  } catch (error) {
    if (!(error instanceof ImageError)) return fail('ErrImagePull', error);
    event(pod, item, 'Warning', 'Failed', `Error: ${error.reason}`);
    // Soon after a failed pull the state says that it is waited for the next.
    const retryMs = error.reason === 'ErrImagePull' ? 1500 : error.retryMs;
    return { reason: error.reason, message: error.message, retryMs };
  }

  const podIPs = isHostNetwork(pod) ? services.hostIPs : sandboxIPs(sandbox);
  const logFolder = `${sandboxConfig.logDirectory}/${container.name}`;
  let config: ReturnType<typeof containerConfig>;
  try {
    const last = newest(view, container.name);
    const restartCount = last ? last.restartCount + 1 : await restartCountFromLogs(logFolder);
    const environment = await services.environment(pod, container, podIPs);
    const volumeMounts = await services.volumes.mountsFor(pod, container, environment);
    const hasEtcHosts = volumeMounts.some((m) => m.containerPath === '/etc/hosts');
    const target = item.targetContainerName ? newest(view, item.targetContainerName) : undefined;
    if (item.targetContainerName && !target)
      throw new Error(`unable to find target container ${item.targetContainerName}`);
    config = containerConfig({
      pod,
      item,
      restartCount,
      imageRef,
      imageUser,
      environment,
      mounts: [...volumeMounts, ...(await services.standardMounts(pod, container, podIPs, hasEtcHosts))],
      targetId: target?.id,
      node: services.securityNode(pod),
    });
    await mkdir(logFolder, { recursive: true, mode: 0o755 });
  } catch (error) {
    return fail('CreateContainerConfigError', error);
  }

  let id: string;
  try {
    id = await runtime.createContainer(sandbox.id, config, sandboxConfig);
  } catch (error) {
    event(pod, item, 'Warning', 'Failed', `Error: ${messageOf(error)}`);
    return { reason: 'CreateContainerError', message: messageOf(error) };
  }
  event(pod, item, 'Normal', 'Created', 'Container created');
  try {
    await runtime.startContainer(id);
  } catch (error) {
    event(pod, item, 'Warning', 'Failed', `Error: ${messageOf(error)}`);
    return { reason: 'RunContainerError', message: messageOf(error) };
  }
  event(pod, item, 'Normal', 'Started', 'Container started');
  await linkLog(services, pod, container.name, id, `${sandboxConfig.logDirectory}/${config.logPath}`);

  const postStart = container.lifecycle?.postStart;
  if (!postStart) return undefined;
  try {
    await runHook({ runtime, handler: postStart, container, containerId: id, podIP: podIPs[0] ?? '' });
    return undefined;
  } catch (error) {
    services.log.warn('post-start hook failed', {
      pod: podText(pod),
      container: container.name,
      error: goErrorText(error),
    });
    event(pod, item, 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
    const fresh = await services.views.read(pod.metadata.uid);
    const running = fresh.containers.find((c) => c.id === id);
    if (running)
      await killContainer(services, {
        pod,
        item,
        view: running,
        message: 'FailedPostStartHook',
        reason: 'FailedPostStartHook',
        podIP: podIPs[0] ?? '',
      });
    return { reason: 'PostStartHookError', message: messageOf(error) };
  }
}

async function linkLog(services: WorkerServices, pod: NodePod, name: string, id: string, log: string): Promise<void> {
  const { containerLogsDir } = services;
  if (containerLogsDir === undefined) return;
  const link = `${containerLogsDir}/${pod.metadata.name}_${pod.metadata.namespace}_${name}-${id}.log`;
  try {
    await rm(link, { force: true });
    await symlink(log, link);
  } catch (error) {
    services.log.debug('no link to the container log', { link, error: messageOf(error) });
  }
}
