import type { Binding, Pod } from '../../../api/gen/core-v1.ts';
import { ApiError, badRequest, conflict, plainFailure } from '../../../api/status.ts';
import { timestamp } from '../core.ts';
import type { Draft, Place, StrategyContext, SubresourceBehaviour } from '../types.ts';
import { draftOf, success } from './of.ts';

const pods = { group: '', resource: 'pods' };

/** POST on `binding`: gives a pod that has no node its node. */
export const binding: SubresourceBehaviour = {
  keepsIdentity: true,
  check(place, given) {
    const { metadata, target } = draftOf<Binding>(given);
    if ((metadata.name ?? '') !== place.name) throw badRequest('name in URL does not match name in Binding object');
    checkTarget(target);
  },
  create: bindPod,
};

async function bindPod(place: Place, given: Draft, context: StrategyContext): Promise<Draft> {
  const { metadata, target } = draftOf<Binding>(given);
  if (place.name === '') throw badRequest('Name parameter required.');
  await context.rewrite(place, (draft) => {
    const pod = draftOf<Pod>(draft);
    checkPreconditions(pod, metadata);
    const refused = whyNot(pod);
    if (refused) throw conflict({ group: '', resource: 'pods/binding' }, place.name, refused);
    if (!pod.spec) return false;
    pod.spec.nodeName = target.name ?? '';
    if (metadata.annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...metadata.annotations };
    if (metadata.labels) pod.metadata.labels = { ...pod.metadata.labels, ...metadata.labels };
    pod.status ??= {};
    delete pod.status.nominatedNodeName;
    setCondition(pod, { type: 'PodScheduled', status: 'True' });
    return true;
  });
  return success();
}

function checkTarget(target: Binding['target']): void {
  const problems: string[] = [];
  if (target?.kind && target.kind !== 'Node') {
    const value = JSON.stringify(target.kind);
    problems.push(`target.kind: Unsupported value: ${value}: supported values: "Node", "<empty>"`);
  }
  if (!target?.name) problems.push('target.name: Required value');
  if (problems.length === 0) return;
  throw plainFailure(500, problems.length === 1 ? (problems[0] as string) : `[${problems.join(', ')}]`);
}

function checkPreconditions(pod: Pod, { uid, resourceVersion }: Binding['metadata']): void {
  const { metadata } = pod;
  const differs =
    uid && uid !== metadata.uid
      ? `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`
      : resourceVersion && resourceVersion !== metadata.resourceVersion
        ? `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`
        : undefined;
  if (differs) throw conflict(pods, metadata.name ?? '', differs);
}

function whyNot({ metadata, spec }: Pod): string | undefined {
  if (metadata.deletionTimestamp) return `pod ${metadata.name} is being deleted, cannot be assigned to a host`;
  if (spec?.nodeName) return `pod ${metadata.name} is already assigned to node ${JSON.stringify(spec.nodeName)}`;
  if ((spec?.schedulingGates?.length ?? 0) > 0) return `pod ${metadata.name} has non-empty .spec.schedulingGates`;
  return undefined;
}

/** Sets a condition of a pod; its transition time only moves with its status. */
export function setCondition(
  pod: Pod,
  condition: { type: string; status: string; reason?: string; message?: string },
): void {
  pod.status ??= {};
  const others = pod.status.conditions ?? [];
  const known = others.find((c) => c.type === condition.type);
  const lastTransitionTime = known?.status === condition.status ? known.lastTransitionTime : timestamp();
  const made = { ...condition, lastProbeTime: known?.lastProbeTime ?? (null as unknown as string), lastTransitionTime };
  pod.status.conditions = known ? others.map((c) => (c === known ? made : c)) : [...others, made];
}

export const isConflict = (error: unknown): boolean => error instanceof ApiError && error.reason === 'Conflict';
