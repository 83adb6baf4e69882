import type { Pod } from '../../api/gen/core-v1.ts';
import { nodes, pods } from '../../api/gen/resources.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import { isApiError } from '../../api/status.ts';
import { delay } from '../../base/abort.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Client } from '../../client/client.ts';
import type { PlanDrain } from './plan.ts';
import { cordonAnnotation } from './request.ts';

const ownerKind = (pod: Pod): string | undefined =>
  pod.metadata.ownerReferences?.find(({ controller }) => controller === true)?.kind;
const nameOf = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`;

/** Which pods of a node must go, and what stands against it. */
export function podsToEvict(
  all: readonly Pod[],
  drain: PlanDrain,
  now = Date.now(),
): { evict: Pod[]; problems: string[] } {
  const goneAfterMs = (drain.skipWaitForDeleteTimeout ?? 0) * 1000;
  const evict: Pod[] = [];
  const problems: string[] = [];
  const keepLocal = (drain.deleteEmptydirData ?? drain.deleteLocalData) === false;
  for (const pod of all) {
    if (drain.podSelector !== undefined && !labelSelectorMatches(drain.podSelector, pod.metadata.labels)) continue;
    const finished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    const owner = ownerKind(pod);
    if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) continue;
    // its node may never say that it is gone
    const deletedAt = Date.parse(pod.metadata.deletionTimestamp ?? '');
    if (goneAfterMs > 0 && now - deletedAt > goneAfterMs) continue;
    if (owner === 'DaemonSet') {
      if (drain.ignoreDaemonSets === false) problems.push(`${nameOf(pod)} belongs to a DaemonSet`);
      continue;
    }
    if (!finished && owner === undefined && drain.force !== true)
      problems.push(`${nameOf(pod)} has no controller that would start it elsewhere (drain.force)`);
    else if (!finished && keepLocal && pod.spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined))
      problems.push(`${nameOf(pod)} has local data (drain.deleteEmptydirData)`);
    else evict.push(pod);
  }
  return { evict, problems };
}

/** A duration's text (`90s`, `5m`, `1h30m`), or nanoseconds; in milliseconds. 0: none. */
export function millisecondsOf(value: string | number | undefined): number {
  if (value === undefined || value === '') return 0;
  if (typeof value === 'number' || /^\d+$/.test(value)) return Number(value) / 1e6;
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  let sum = 0;
  for (const [, count, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    sum += Number(count) * (units[unit ?? ''] ?? 0);
  return sum;
}

const patchNode = (client: Client, name: string, body: object): Promise<unknown> =>
  client.patch(nodes, name, { type: 'merge', body });

/** Makes the node unschedulable in the plan's name, unless somebody else has. */
export async function cordon(client: Client, name: string, plan: string): Promise<void> {
  const node = await client.get(nodes, name);
  if (node.spec?.unschedulable === true) return;
  await patchNode(client, name, {
    metadata: { annotations: { [cordonAnnotation]: plan } },
    spec: { unschedulable: true },
  });
}

/** Undoes `cordon`, and only that. */
export async function uncordon(client: Client, name: string, plan: string): Promise<void> {
  const node = await client.get(nodes, name);
  if (node.metadata.annotations?.[cordonAnnotation] !== plan) return;
  await patchNode(client, name, {
    metadata: { annotations: { [cordonAnnotation]: null } },
    spec: { unschedulable: null },
  });
}

/** Sends one pod away; gives why it may not go now. */
async function evictOne(client: Client, pod: Pod, drain: PlanDrain): Promise<string | undefined> {
  const { name = '', namespace = '' } = pod.metadata;
  const { gracePeriod } = drain;
  const grace = gracePeriod === undefined || gracePeriod < 0 ? {} : { gracePeriodSeconds: gracePeriod };
  try {
    if (drain.disableEviction === true) await client.delete(pods, name, { namespace, ...grace });
    else
      await client.raw({
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/pods/${name}/eviction`,
        body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions: grace },
      });
  } catch (error) {
    // a budget that does not allow it now may do so later
    if (isApiError(error, 'TooManyRequests')) return messageOf(error);
    if (!isApiError(error, 'NotFound')) throw error;
  }
  return undefined;
}

/**
 * Sends the pods of a node away and waits until they are gone; `note` is told which still run, and why. Throws KnarrError
 * `drain` for what stands against it, and what the signal says when that ends it.
 */
export async function drainNode(
  client: Client,
  name: string,
  drain: PlanDrain,
  options: { signal: AbortSignal; note?: (text: string) => void; everyMs?: number },
): Promise<void> {
  const { signal, note = () => {}, everyMs = 2_000 } = options;
  const limit = millisecondsOf(drain.timeout);
  const end = limit === 0 ? Number.POSITIVE_INFINITY : Date.now() + limit;
  for (;;) {
    const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${name}` });
    const { evict, problems } = podsToEvict(items, drain);
    if (problems.length > 0)
      throw new KnarrError({ code: 'drain', blame: 'user', message: `cannot drain ${name}: ${problems.join('; ')}` });
    signal.throwIfAborted();
    if (evict.length === 0) return;
    if (Date.now() > end)
      throw new KnarrError({
        code: 'drain',
        blame: 'world',
        message: `${name} was not drained in time: ${evict.map(nameOf).join(', ')} still run`,
      });
    const stays = new Set<string>();
    for (const pod of evict) {
      const why = pod.metadata.deletionTimestamp === undefined ? await evictOne(client, pod, drain) : undefined;
      if (why !== undefined) stays.add(`${nameOf(pod)}: ${why}`);
    }
    note(stays.size > 0 ? [...stays].join('; ') : evict.map(nameOf).join(', '));
    await delay(everyMs, signal);
  }
}
