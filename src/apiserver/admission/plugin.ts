import { type ApiError, forbidden } from '../../api/status.ts';
import type { AdmissionAttributes, AdmissionOperation, Frozen, Maybe, Registry } from '../registry/types.ts';

/** One admission plug-in. It is asked only for the operations and resources that it names. */
export interface AdmissionPlugin {
  readonly name: string;
  readonly operations: readonly AdmissionOperation[];
  /** `group/resource` (or `group/resource/subresource`); undefined: every resource and subresource. */
  readonly resources?: readonly string[] | undefined;
  /** Alters `attributes.object`; true when it did. Throws ApiError to refuse. */
  mutate?(attributes: AdmissionAttributes): Maybe<boolean>;
  validate?(attributes: AdmissionAttributes): Maybe<void>;
}

/** What plug-ins look things up in. */
export interface AdmissionContext {
  registry(): Registry;
}

/** The name by which refusals call the object. */
export function displayName(attributes: AdmissionAttributes): string {
  const metadata = attributes.object?.metadata;
  return attributes.name || metadata?.name || metadata?.generateName || 'Unknown';
}

/** Upstream's `admission.NewForbidden`. */
export function refuse(attributes: AdmissionAttributes, why: string): ApiError {
  return forbidden({ group: attributes.group, resource: attributes.resource }, displayName(attributes), why);
}

/** All objects of a resource, of one namespace when given. */
export async function listAll(
  context: AdmissionContext,
  resource: { group: string; resource: string },
  namespace = '',
): Promise<readonly Frozen[]> {
  const result = await context.registry().store(resource.group, resource.resource).list({ namespace });
  return result.items.map((item) => item.object);
}
