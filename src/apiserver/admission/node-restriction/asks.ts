import { notFound } from '../../../api/status.ts';
import { lookUp } from '../../registry/look-up.ts';
import type { AdmissionAttributes, Frozen } from '../../registry/types.ts';
import type { AdmissionContext } from '../plugin.ts';

/** A request of a kubelet: the node that it is for, and the request. */
export interface NodeAsks {
  readonly node: string;
  readonly a: AdmissionAttributes;
  readonly context: AdmissionContext;
}

export const q = (text: string): string => JSON.stringify(text);

export const nameOf = ({ name, object }: AdmissionAttributes): string => name || object?.metadata.name || '';

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

export const nodeNameOf = (object: Frozen | undefined): string | undefined =>
  (object?.spec as { nodeName?: string } | undefined)?.nodeName;

/** Throws as upstream's lister does, which has its resources in the singular. */
export async function mustLookUp(
  context: AdmissionContext,
  place: { resource: string; namespace?: string; name: string },
): Promise<Frozen> {
  const group = place.resource === 'csidrivers' ? 'storage.k8s.io' : '';
  const found = await lookUp(context.registry(), { group, resource: place.resource }, place);
  if (found) return found;
  throw notFound({ group, resource: place.resource.replace(/s$/, '') }, place.name);
}
