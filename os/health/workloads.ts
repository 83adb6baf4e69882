import type { Pod } from '../../src/api/gen/core-v1.ts';
import { pods } from '../../src/api/gen/resources.ts';
import { isApiError } from '../../src/api/status.ts';
import type { Client } from '../../src/client/client.ts';
import type { RecordedWorkload } from '../../src/daemon/upgrade/state.ts';

/** Whose pods end by themselves. */
const finite = new Set(['Job']);

/** Whether a container is there, by its identity (`containerd://…`). */
type IsHere = (containerId: string) => boolean;

const saidReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

/** What the API says of a pod is believed when its containers are those that are here: it may be of an earlier boot. */
const isReady = (pod: Pod, isHere: IsHere): boolean =>
  saidReady(pod) && (pod.status?.containerStatuses ?? []).every(({ containerID = '' }) => isHere(containerID));

/** What a pod belongs to: its controller, or itself when it has none and is to run for ever. */
function workloadOf(pod: Pod): Omit<RecordedWorkload, 'ready'> | undefined {
  const { namespace = '', name = '', uid = '', ownerReferences = [] } = pod.metadata;
  const owner = ownerReferences.find(({ controller }) => controller === true);
  // static pods have the node as their owner, and a new name never
  if (owner === undefined || owner.kind === 'Node')
    return (pod.spec?.restartPolicy ?? 'Always') === 'Always' ? { kind: 'Pod', namespace, name, uid } : undefined;
  return finite.has(owner.kind) ? undefined : { kind: owner.kind, namespace, name: owner.name, uid: owner.uid };
}

const keyOf = ({ kind, namespace, name }: Pick<RecordedWorkload, 'kind' | 'namespace' | 'name'>): string =>
  `${kind} ${namespace}/${name}`;

/** Pods of one workload on this node. */
interface Here {
  readonly ready: number;
  readonly all: number;
  readonly why: string;
}

function group(
  list: readonly Pod[],
  isHere: IsHere,
): Map<string, Here & { workload: Omit<RecordedWorkload, 'ready'> }> {
  const groups = new Map<string, Here & { workload: Omit<RecordedWorkload, 'ready'> }>();
  for (const pod of list) {
    const workload = workloadOf(pod);
    if (workload === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') continue;
    const known = groups.get(keyOf(workload)) ?? { workload, ready: 0, all: 0, why: '' };
    const ready = isReady(pod, isHere);
    groups.set(keyOf(workload), {
      workload,
      ready: known.ready + Number(ready),
      all: known.all + 1,
      why: ready ? known.why : `${pod.metadata.name}: ${reasonOf(pod)}`,
    });
  }
  return groups;
}

/** Why a pod is not ready, in a word of its container where there is one. */
function reasonOf(pod: Pod): string {
  if (saidReady(pod)) return 'its containers are not there yet';
  const waiting = pod.status?.containerStatuses?.find(({ state }) => state?.waiting?.reason !== undefined);
  return waiting?.state?.waiting?.reason ?? pod.status?.reason ?? pod.status?.phase ?? 'no status';
}

const podsOn = async (client: Client, nodeName: string): Promise<readonly Pod[]> =>
  (await client.list(pods, { fieldSelector: `spec.nodeName=${nodeName}` })).items;

/** What runs on this node now and is ready. */
export async function workloadsOn(client: Client, nodeName: string): Promise<RecordedWorkload[]> {
  return [...group(await podsOn(client, nodeName), () => true).values()]
    .filter(({ ready }) => ready > 0)
    .map(({ workload, ready }) => ({ ...workload, ready }));
}

/** True when the object that a pod belongs to is still there and wants pods; undefined when nobody may know. */
export type StillWanted = (workload: RecordedWorkload) => Promise<boolean | undefined>;

/**
 * Which of the workloads that ran here do not run now, each with why. One that has gone elsewhere or was deleted is no
 * fault; one that has pods here must have as many ready ones as it had, or all that it still has. `here`: the containers
 * that exist; undefined when nobody knows.
 */
export async function missingWorkloads(
  before: readonly RecordedWorkload[],
  client: Client,
  nodeName: string,
  stillWanted: StillWanted,
  here?: ReadonlySet<string>,
): Promise<string[]> {
  const isHere: IsHere = (id) => here === undefined || here.has(id.replace(/^.*:\/\//, ''));
  const now = group(await podsOn(client, nodeName), isHere);
  const missing: string[] = [];
  for (const workload of before) {
    const here = now.get(keyOf(workload));
    if (here !== undefined) {
      const wanted = Math.min(workload.ready, here.all);
      if (here.ready < wanted) missing.push(`${keyOf(workload)}: ${here.ready} of ${wanted} pods ready (${here.why})`);
    } else if ((await stillWanted(workload)) === true) missing.push(`${keyOf(workload)}: none of its pods is ready`);
  }
  return missing;
}

/** Asks the API about what a workload is now: `resources` of the kinds that have replicas. */
export function stillWantedBy(client: Client): StillWanted {
  const paths: Record<string, string> = {
    ReplicaSet: 'apis/apps/v1',
    StatefulSet: 'apis/apps/v1',
    DaemonSet: 'apis/apps/v1',
    ReplicationController: 'api/v1',
  };
  return async ({ kind, namespace, name, uid }) => {
    const path = paths[kind];
    if (path === undefined) return undefined;
    try {
      const object = (await client.raw({
        method: 'GET',
        path: `/${path}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`,
      })) as { metadata?: { uid?: string }; spec?: { replicas?: number }; status?: Record<string, number> };
      if (object.metadata?.uid !== uid) return false;
      const { readyReplicas = 0, numberReady = 0, desiredNumberScheduled = 0 } = object.status ?? {};
      const wanted = kind === 'DaemonSet' ? desiredNumberScheduled : (object.spec?.replicas ?? 1);
      return wanted > 0 && readyReplicas + numberReady === 0;
    } catch (error) {
      if (isApiError(error, 'NotFound')) return false;
      throw error;
    }
  };
}
