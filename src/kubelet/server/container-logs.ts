import type { ServerResponse } from 'node:http';
import type { ContainerStatus, PodStatus } from '../../api/gen/core-v1.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import { findContainer } from '../pod/pod.ts';
import type { PodManager } from '../pod-manager.ts';
import type { StatusSink } from '../worker/services.ts';
import { type LogQuery, readLog } from './log-reader.ts';

const bad = (message: string, code = 'log-unavailable'): KnarrError => new KnarrError({ code, blame: 'user', message });

const bareId = (id: string): string => id.replace(/^\w+:\/\//, '');

/** Which container's log is meant; throws upstream's words when there is none. */
export function logContainerId(podName: string, status: PodStatus, name: string, previous: boolean): string {
  const all: ContainerStatus[] = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ];
  const found = all.find((c) => c.name === name);
  const about = `container ${JSON.stringify(name)} in pod ${JSON.stringify(podName)}`;
  if (!found) throw bad(`${about} is not available`);
  const { waiting, running, terminated } = found.state ?? {};
  const last = found.lastState?.terminated;
  if (previous) {
    if (!last?.containerID) throw bad(`previous terminated ${about} not found`);
    return bareId(last.containerID);
  }
  if (running) return bareId(found.containerID ?? '');
  const ended = terminated?.containerID ? terminated : last;
  if (terminated || last) {
    if (!ended?.containerID) throw bad(`${about} is terminated`);
    return bareId(ended.containerID);
  }
  const reasons: Record<string, string> = {
    ErrImagePull: "image can't be pulled",
    ImagePullBackOff: 'trying and failing to pull image',
  };
  if (waiting) throw bad(`${about} is waiting to start: ${reasons[waiting.reason ?? ''] ?? waiting.reason ?? ''}`);
  throw bad(`${about} is waiting to start - no logs yet`);
}

const count = (text: string | null): number | undefined => {
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw bad(`{"message": "Invalid request."}`, 'log-query');
  return value;
};

/** `/containerLogs/{namespace}/{pod}/{container}`. */
export function logQueryOf(params: URLSearchParams, now: number): LogQuery & { previous: boolean } {
  const truthy = (name: string): boolean => ['true', '1'].includes(params.get(name) ?? '');
  const since = count(params.get('sinceSeconds'));
  const sinceTime = params.get('sinceTime');
  const tail = params.get('tailLines') ?? (params.get('tail') === 'all' ? null : params.get('tail'));
  return {
    follow: truthy('follow'),
    previous: truthy('previous'),
    timestamps: truthy('timestamps'),
    tailLines: count(tail),
    limitBytes: count(params.get('limitBytes')),
    sinceMs: since !== undefined ? now - since * 1000 : sinceTime ? Date.parse(sinceTime) : undefined,
    stream: (params.get('stream') as LogQuery['stream'] | null) ?? 'All',
  };
}

export async function serveContainerLogs(options: {
  manager: PodManager;
  runtime: ContainerRuntime;
  status: StatusSink;
  at: { namespace: string; pod: string; container: string };
  params: URLSearchParams;
  response: ServerResponse;
}): Promise<void> {
  const { manager, runtime, status, at, params, response } = options;
  const worker = manager.byName(at.namespace, at.pod);
  if (!worker) throw bad(`pod ${JSON.stringify(at.pod)} does not exist`, 'not-found');
  if (!findContainer(worker.pod, at.container))
    throw bad(`container ${JSON.stringify(at.container)} not found in pod ${JSON.stringify(at.pod)}`, 'not-found');
  const query = logQueryOf(params, Date.now());
  const id = logContainerId(at.pod, status.current(worker.pod), at.container, query.previous);
  const info = await runtime.containerStatus(id);
  if (!info?.logPath)
    throw bad(`failed to try resolving symlinks in path: container ${id} has no log`, 'log-unavailable');
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.flushHeaders();
  try {
    await readLog({
      path: info.logPath,
      query,
      signal: gone.signal,
      write: async (data) => {
        if (response.write(data)) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        response.once('drain', resolve);
        gone.signal.addEventListener('abort', () => resolve(), { once: true });
        await promise;
      },
      running: async () => {
        const now = await runtime.containerStatus(id);
        return now?.state === 'CONTAINER_RUNNING';
      },
    });
  } catch (error) {
    if (!gone.signal.aborted) response.write(`failed to try resolving symlinks in path: ${messageOf(error)}\n`);
  }
  response.end();
}
