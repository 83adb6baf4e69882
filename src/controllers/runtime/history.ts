import type { ControllerRevision } from '../../api/gen/apps-v1.ts';
import type { PodTemplateSpec } from '../../api/gen/core-v1.ts';
import type { LabelSelector } from '../../api/gen/meta-v1.ts';
import { controllerrevisions } from '../../api/gen/resources.ts';
import type { KubernetesObject, Resource } from '../../api/object.ts';
import { isApiError } from '../../api/status.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import { candidatesOf, claim } from './claim.ts';
import { sameJson } from './merge-diff.ts';
import { controllerRef } from './owners.ts';
import { templateHash } from './template-hash.ts';

export const revisionLabel = 'controller-revision-hash';

/** The templates that an object has had, kept as ControllerRevisions. */
export interface History {
  /** The revision for the present template: an equal one made the newest again, or a new one. */
  current: ControllerRevision;
  /** All, oldest first, the current one last. */
  all: readonly ControllerRevision[];
  collisionCount: number | undefined;
}

export interface HistoryOptions<T extends KubernetesObject> {
  client: Client;
  informer: Informer<ControllerRevision>;
  resource: Resource<T>;
  owner: T;
  selector: LabelSelector | undefined;
  template: PodTemplateSpec | undefined;
  collisionCount: number | undefined;
}

/** What a revision stores: a strategic merge patch that puts the template back. */
export function revisionData(template: PodTemplateSpec | undefined): Record<string, unknown> {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}

export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const data = revision.data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } } | undefined;
  const { $patch: _patch, ...template } = data?.spec?.template ?? {};
  return template;
}

const byRevision = (a: ControllerRevision, b: ControllerRevision): number =>
  (a.revision ?? 0) - (b.revision ?? 0) || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1);

function withoutTimes(data: unknown): unknown {
  const value = structuredClone(data) as { spec?: { template?: { metadata?: Record<string, unknown> } } };
  const metadata = value.spec?.template?.metadata;
  if (metadata) delete metadata.creationTimestamp;
  return value;
}

export async function syncHistory<T extends KubernetesObject>(options: HistoryOptions<T>): Promise<History> {
  const { client, informer, resource, owner } = options;
  const own = (
    await claim({
      client,
      owner,
      ownerResource: resource,
      ownerReference: controllerRef(resource, owner),
      selector: options.selector,
      resource: controllerrevisions,
      informer,
      candidates: candidatesOf(informer, owner),
    })
  ).sort(byRevision);
  const data = revisionData(options.template);
  const equal = own.filter((r) => sameJson(withoutTimes(r.data), withoutTimes(data))).at(-1);
  const newest = own.at(-1);
  if (equal) {
    if (equal === newest) return { current: equal, all: own, collisionCount: options.collisionCount };
    const body = {
      metadata: { uid: equal.metadata.uid, resourceVersion: equal.metadata.resourceVersion },
      revision: (newest?.revision ?? 0) + 1,
    };
    const { namespace, name = '' } = equal.metadata;
    const raised = await client.patch(controllerrevisions, name, { type: 'merge', body }, { namespace });
    informer.observe(raised);
    const all = [...own.filter((r) => r !== equal), raised];
    return { current: raised, all, collisionCount: options.collisionCount };
  }
  const made = await create(options, data, (newest?.revision ?? 0) + 1);
  return { current: made.revision, all: [...own, made.revision], collisionCount: made.collisionCount };
}

async function create<T extends KubernetesObject>(
  options: HistoryOptions<T>,
  data: Record<string, unknown>,
  revision: number,
): Promise<{ revision: ControllerRevision; collisionCount: number | undefined }> {
  const { client, informer, owner, resource } = options;
  const { name: ownerName = '', namespace } = owner.metadata;
  for (let collisionCount = options.collisionCount; ; collisionCount = (collisionCount ?? 0) + 1) {
    const hash = templateHash(data, collisionCount);
    const name = `${ownerName.slice(0, 223)}-${hash}`;
    const wanted: ControllerRevision = {
      metadata: {
        name,
        namespace,
        labels: { ...options.template?.metadata?.labels, [revisionLabel]: hash },
        ownerReferences: [controllerRef(resource, owner)],
      },
      data: data as NonNullable<ControllerRevision['data']>,
      revision,
    };
    try {
      const made = await client.create(controllerrevisions, wanted);
      informer.observe(made);
      return { revision: made, collisionCount };
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error;
      const known = await client.get(controllerrevisions, name, { namespace });
      if (sameJson(withoutTimes(known.data), withoutTimes(data))) return { revision: known, collisionCount };
    }
  }
}

/** Deletes the oldest revisions beyond the limit that no pod is of. */
export async function truncateHistory(
  client: Client,
  history: History,
  limit: number,
  live: ReadonlySet<string>,
): Promise<void> {
  const unused = history.all.filter(
    (r) =>
      r !== history.current && !live.has(r.metadata.name ?? '') && !live.has(r.metadata.labels?.[revisionLabel] ?? ''),
  );
  for (const { metadata } of unused.slice(0, Math.max(0, unused.length - limit))) {
    try {
      await client.delete(controllerrevisions, metadata.name ?? '', { namespace: metadata.namespace });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  }
}
