import { trackUpdate } from '../../../api/apply.ts';
import { writeOptionsObject } from '../../registry/core.ts';
import type { Admission, AdmissionAttributes, Draft, ResourceStore } from '../../registry/types.ts';
import { readObject } from '../body.ts';
import type { Call } from '../call.ts';
import { checkWriteOptions } from '../options.ts';
import { ensureNamespace, expectedKind, placeOf } from '../write.ts';

/** What is sent only to be answered. */
export interface GivenReview {
  /** As admission has made it, noted as written by who sends it like anything that is created. */
  readonly object: Draft;
  /** Rejects with what those have against it who look at it last, which is after it was checked. */
  admitted(): Promise<void>;
}

export async function readReview(call: Call, store: ResourceStore, admission: Admission): Promise<GivenReview> {
  checkWriteOptions(call.query, 'CreateOptions');
  const kind = expectedKind(store, '');
  const object = await readObject(call, kind);
  if (store.definition.namespaced) ensureNamespace(object, placeOf(call, store).namespace);
  else delete object.metadata.namespace;
  trackUpdate(kind, undefined, object, { manager: call.context.fieldManager, now: new Date() });
  const { group, resource } = store.definition;
  const attributes: AdmissionAttributes = {
    operation: 'CREATE',
    group,
    version: kind.version,
    resource,
    kind,
    subresource: undefined,
    namespace: call.info.namespace,
    name: object.metadata.name ?? '',
    object,
    oldObject: undefined,
    options: writeOptionsObject('CREATE', call.context),
    context: call.context,
  };
  await admission.mutate(attributes);
  return { object: attributes.object ?? object, admitted: async () => admission.validate(attributes) };
}
