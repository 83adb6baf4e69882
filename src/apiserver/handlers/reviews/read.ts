import { trackUpdate } from '../../../api/apply.ts';
import type { Draft, ResourceStore } from '../../registry/types.ts';
import { readObject } from '../body.ts';
import type { Call } from '../call.ts';
import { checkWriteOptions } from '../options.ts';
import { ensureNamespace, expectedKind, placeOf } from '../write.ts';

/** What is sent only to be answered, noted as written by who sends it like anything that is created. */
export async function readReview(call: Call, store: ResourceStore): Promise<Draft> {
  checkWriteOptions(call.query, 'CreateOptions');
  const kind = expectedKind(store, '');
  const object = await readObject(call, kind);
  if (store.definition.namespaced) ensureNamespace(object, placeOf(call, store).namespace);
  else delete object.metadata.namespace;
  trackUpdate(kind, undefined, object, { manager: call.context.fieldManager, now: new Date() });
  return object;
}
