import type { LabelSelector, OwnerReference } from '../../api/gen/meta-v1.ts';
import type { KubernetesObject, Resource } from '../../api/object.ts';
import { matchesLabels, selectorRequirements } from '../../api/selectors.ts';
import { isApiError } from '../../api/status.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import { controllerOf } from './owners.ts';

export interface ClaimOptions<O extends KubernetesObject, T extends KubernetesObject> {
  client: Client;
  owner: O;
  ownerResource: Resource<O>;
  ownerReference: OwnerReference;
  selector: LabelSelector | undefined;
  resource: Resource<T>;
  informer: Informer<T>;
  /** Objects of the owner's namespace that may be its own or nobody's. */
  candidates: readonly T[];
  /** Which orphans may be taken. Default: all that match. */
  mayAdopt?: (object: T) => boolean;
  /** Given to what is adopted, and taken from what is let go. */
  finalizer?: string;
}

/**
 * The candidates that are the owner's: what matches the selector and has no controller is adopted, what no longer
 * matches is let go. Before the first adoption the owner is read afresh: one that is being deleted takes nothing.
 */
export async function claim<O extends KubernetesObject, T extends KubernetesObject>(
  options: ClaimOptions<O, T>,
): Promise<T[]> {
  const { client, owner, resource, informer, ownerReference, mayAdopt = () => true } = options;
  const requirements = selectorRequirements(options.selector) ?? [];
  const empty = requirements.length === 0;
  const matches = (object: T): boolean => !empty && matchesLabels(requirements, object.metadata.labels);
  let checked: Promise<boolean> | undefined;

  const ownerLives = async (): Promise<boolean> => {
    if (owner.metadata.deletionTimestamp !== undefined) return false;
    const { name = '', namespace } = owner.metadata;
    const fresh = await client.get(options.ownerResource, name, { namespace });
    return fresh.metadata.uid === owner.metadata.uid && fresh.metadata.deletionTimestamp === undefined;
  };

  const finalizersOf = (object: T, adopted: boolean): { finalizers?: string[] | null } => {
    const { finalizer } = options;
    if (finalizer === undefined) return {};
    const others = (object.metadata.finalizers ?? []).filter((f) => f !== finalizer);
    const finalizers = adopted ? [...others, finalizer] : others;
    return { finalizers: finalizers.length === 0 ? null : finalizers };
  };

  const patchOwners = async (object: T, references: OwnerReference[], adopted: boolean): Promise<T | undefined> => {
    const { name = '', namespace, uid, resourceVersion } = object.metadata;
    const ownerReferences = references.length === 0 ? null : references;
    try {
      const body = { metadata: { uid, resourceVersion, ownerReferences, ...finalizersOf(object, adopted) } };
      const written = await client.patch(resource, name, { type: 'merge', body }, { namespace });
      informer.observe(written);
      return written;
    } catch (error) {
      if (isApiError(error, 'NotFound') || isApiError(error, 'Invalid')) return undefined;
      throw error;
    }
  };

  const claimed: T[] = [];
  for (const object of options.candidates) {
    const controller = controllerOf(object);
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches(object)) {
        claimed.push(object);
      } else if (owner.metadata.deletionTimestamp === undefined) {
        const rest = (object.metadata.ownerReferences ?? []).filter((r) => r.uid !== owner.metadata.uid);
        await patchOwners(object, rest, false);
      }
      continue;
    }
    if (object.metadata.deletionTimestamp !== undefined || !matches(object) || !mayAdopt(object)) continue;
    checked ??= ownerLives();
    if (!(await checked)) continue;
    const adopted = await patchOwners(object, [...(object.metadata.ownerReferences ?? []), ownerReference], true);
    if (adopted) claimed.push(adopted);
  }
  return claimed;
}

/** What an owner looks through when it claims: its own objects and, in its namespace, those without a controller. */
export function candidatesOf<T extends KubernetesObject>(informer: Informer<T>, owner: KubernetesObject): T[] {
  informer.addIndex('orphan', orphanIndex);
  return [
    ...informer.byIndex('owner', owner.metadata.uid ?? ''),
    ...informer.byIndex('orphan', owner.metadata.namespace ?? ''),
  ];
}

const orphanIndex = (object: KubernetesObject): string[] =>
  controllerOf(object) ? [] : [object.metadata.namespace ?? ''];
