import { isDeepStrictEqual } from 'node:util';
import type { Node, NodeStatus } from '../../api/gen/core-v1.ts';
import { nodes } from '../../api/gen/resources.ts';
import { timeText } from '../../api/literals.ts';
import { isApiError } from '../../api/status.ts';
import { createBackoff, delay } from '../../base/abort.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { type NodeFacts, nodeStatus } from './node-status.ts';

/** Registers the node and keeps its status in the API. */
export interface NodeReporter {
  start(): void;
  /** Something may have changed: look now, and write when it has. */
  poke(): void;
  /** Resolves when the node object exists and bears this kubelet's first status. */
  readonly registered: Promise<void>;
  readonly node: Node | undefined;
  stop(): Promise<void>;
}

export interface NodeReporterOptions {
  client: Client;
  /** What to register: name, labels, annotations, taints, provider. */
  template: Node;
  facts: () => Promise<NodeFacts>;
  reportMs: number;
  event: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  log: Logger;
  now?: () => number;
}

/** Heartbeats aside: what makes a report worth its write at once. */
const essence = (status: NodeStatus | undefined): object => ({
  ...status,
  conditions: (status?.conditions ?? []).map(({ lastHeartbeatTime: _, ...rest }) => rest),
});

function labelPatch(template: Node, existing: Node): object | undefined {
  const missing = (want: Record<string, string> = {}, have: Record<string, string> = {}) =>
    Object.fromEntries(Object.entries(want).filter(([k, v]) => have[k] !== v));
  const labels = missing(template.metadata.labels, existing.metadata.labels);
  const annotations = missing(template.metadata.annotations, existing.metadata.annotations);
  const spec = template.spec?.providerID && !existing.spec?.providerID ? { providerID: template.spec.providerID } : {};
  if (Object.keys(labels).length + Object.keys(annotations).length + Object.keys(spec).length === 0) return undefined;
  return { metadata: { labels, annotations }, ...(Object.keys(spec).length > 0 ? { spec } : {}) };
}

export function createNodeReporter(options: NodeReporterOptions): NodeReporter {
  const { client, template, facts, reportMs, event, log, now = Date.now } = options;
  const name = template.metadata.name ?? '';
  const lifetime = new AbortController();
  const registered = Promise.withResolvers<void>();
  registered.promise.catch(() => {});
  let node: Node | undefined;
  let last: NodeStatus | undefined;
  let lastWrite = 0;
  let wake = Promise.withResolvers<void>();
  let running: Promise<void> | undefined;

  const current = async (): Promise<NodeStatus> =>
    nodeStatus(await facts(), last ?? node?.status, timeText(new Date(now())));

  const register = async (): Promise<void> => {
    const status = await current();
    try {
      node = await client.create(nodes, { ...template, status });
      last = status;
      lastWrite = now();
      log.info('the node is registered', { node: name });
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error;
      node = await client.get(nodes, name);
      last = node.status;
      const patch = labelPatch(template, node);
      if (patch) node = await client.patch(nodes, name, { type: 'strategic', body: patch });
    }
  };

  const report = async (): Promise<void> => {
    const status = await current();
    const changed = !isDeepStrictEqual(essence(last), essence(status));
    if (!changed && now() - lastWrite < reportMs) return;
    const before = last?.conditions?.find((c) => c.type === 'Ready')?.status;
    const after = status.conditions?.find((c) => c.type === 'Ready')?.status;
    const body = { status: { ...status, addresses: [{ $patch: 'replace' }, ...(status.addresses ?? [])] } };
    node = await client.patch(nodes, name, { type: 'strategic', body }, { subresource: 'status' });
    last = status;
    lastWrite = now();
    if (before !== after) {
      const word = after === 'True' ? 'NodeReady' : 'NodeNotReady';
      event('Normal', word, `Node ${name} status is now: ${word}`);
      const why = status.conditions?.find((c) => c.type === 'Ready')?.message;
      log.info(after === 'True' ? 'the node is ready' : 'the node is not ready', { why });
    }
  };

  const loop = async (): Promise<void> => {
    const backoff = createBackoff({ initialMs: 200, maxMs: 7000 });
    while (!lifetime.signal.aborted) {
      let waitMs = reportMs;
      try {
        if (!node) await register();
        await report();
        registered.resolve();
        backoff.reset();
      } catch (error) {
        if (lifetime.signal.aborted) return;
        // The node was deleted: it comes back as a new one.
        if (isApiError(error, 'NotFound')) node = undefined;
        log.warn('the node could not be reported', { error: messageOf(error) });
        waitMs = backoff.next();
      }
      const pause = new AbortController();
      const stop = (): void => pause.abort();
      lifetime.signal.addEventListener('abort', stop, { once: true });
      await Promise.race([wake.promise, delay(waitMs, pause.signal)]);
      pause.abort();
      lifetime.signal.removeEventListener('abort', stop);
      wake = Promise.withResolvers<void>();
    }
  };

  return {
    registered: registered.promise,
    get node() {
      return node;
    },
    start() {
      running ??= loop();
    },
    poke: () => wake.resolve(),
    async stop() {
      lifetime.abort();
      registered.reject(new Error('the kubelet was stopped'));
      await running;
    },
  };
}
