import { createBackoff, delay } from '../../base/abort.ts';
import { messageOf } from '../../base/errors.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import type { RuntimeStatus } from '../../cri/types.ts';

/** Whether the container runtime and its network are ready, and since when the kubelet knows. */
export interface RuntimeHealth {
  readonly status: RuntimeStatus | undefined;
  readonly version: { name: string; version: string } | undefined;
  /** Reasons in upstream's words; empty when all is well. */
  problems(): string[];
  networkReady(): boolean;
  /** Ask again now. */
  check(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** Asked often only as long as something is missing, and then ever less. */
const unreadyMs = { initialMs: 250, maxMs: 5000, factor: 1.2 };
const readyMs = 60_000;

export function createRuntimeHealth(options: { runtime: ContainerRuntime; changed: () => void }): RuntimeHealth {
  const { runtime, changed } = options;
  const lifetime = new AbortController();
  let status: RuntimeStatus | undefined;
  let version: { name: string; version: string } | undefined;
  let down: string | undefined = 'not asked yet';
  let running: Promise<void> | undefined;

  const bad = (type: string) => status?.conditions.find((c) => c.type === type && !c.status);
  const problems = (): string[] => {
    if (down !== undefined) return [`container runtime is down: ${down}`];
    const text = (type: string): string[] => {
      const c = bad(type);
      return c ? [`${type}=false reason:${c.reason} message:${c.message}`] : [];
    };
    return [
      ...text('RuntimeReady').map((t) => `container runtime not ready: ${t}`),
      ...text('NetworkReady').map((t) => `container runtime network not ready: ${t}`),
    ];
  };

  const check = async (): Promise<void> => {
    const before = JSON.stringify([problems(), version]);
    try {
      if (!version || down !== undefined) version = await runtime.version();
      status = await runtime.status();
      down = undefined;
    } catch (error) {
      down = messageOf(error);
    }
    if (JSON.stringify([problems(), version]) !== before) changed();
  };

  const loop = async (): Promise<void> => {
    const backoff = createBackoff(unreadyMs);
    while (!lifetime.signal.aborted) {
      await check();
      const ready = problems().length === 0;
      if (ready) backoff.reset();
      await delay(ready ? readyMs : backoff.next(), lifetime.signal);
    }
  };

  return {
    get status() {
      return status;
    },
    get version() {
      return version;
    },
    problems,
    networkReady: () => down === undefined && status !== undefined && bad('NetworkReady') === undefined,
    check,
    start() {
      running ??= loop();
    },
    async stop() {
      lifetime.abort();
      await running;
    },
  };
}
