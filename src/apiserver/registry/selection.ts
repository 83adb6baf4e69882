import { matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector } from '../../api/selectors.ts';
import { badRequest } from '../../api/status.ts';
import type { Kept } from './stored.ts';
import type { ResourceDefinition } from './types.ts';

/** What a list or a watch asks for, compiled. */
export interface Selection {
  /** '' for all. */
  readonly namespace: string;
  /** Where the selector names one object. */
  readonly name: string | undefined;
  /** Undefined when everything in the namespace is selected. */
  readonly matches: ((stored: Kept) => boolean) | undefined;
}

export interface SelectionOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

/** Throws ApiError (400) for selectors that cannot be read and for fields that the resource does not offer. */
export function selectionOf(definition: ResourceDefinition, options: SelectionOptions): Selection {
  const { namespace = '', labelSelector, fieldSelector } = options;
  if (!labelSelector && !fieldSelector) return { namespace, name: undefined, matches: undefined };
  const labels = parseLabelSelector(labelSelector);
  const fields = parseFieldSelector(fieldSelector);
  for (const { field } of fields) checkField(definition, field);
  const named = fields.find((f) => f.field === 'metadata.name' && f.operator === '=');
  const wanted = fields.find((f) => f.field === 'metadata.namespace' && f.operator === '=');
  const inNamespace = namespace || (definition.namespaced ? (wanted?.value ?? '') : '');
  return {
    namespace: inNamespace,
    name: definition.namespaced && inNamespace === '' ? undefined : named?.value,
    matches: (stored) =>
      (labels.length === 0 || matchesLabels(labels, stored.labels)) &&
      (fields.length === 0 || matchesFields(fields, (field) => stored.field(field))),
  };
}

function checkField(definition: ResourceDefinition, field: string): void {
  if (field === 'metadata.name' || (field === 'metadata.namespace' && definition.namespaced)) return;
  if (Object.hasOwn(definition.selectableFields, field)) return;
  if (definition.kind === 'Job') throw badRequest(`field label ${JSON.stringify(field)} not supported for Job`);
  if (definition.kind === 'ResourceSlice') {
    const kind = `${definition.group}/${definition.storageVersion}, Kind=ResourceSlice`;
    throw badRequest(`field label not supported for ${kind}: ${field}`);
  }
  throw badRequest(
    Object.keys(definition.selectableFields).length > 0
      ? `field label not supported: ${field}`
      : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}
