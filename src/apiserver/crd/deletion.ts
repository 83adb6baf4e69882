import { serverContext } from '../bootstrap/context.ts';
import { deleteObject } from '../handlers/delete.ts';
import type { SpecialHandlers } from '../handlers/dispatch.ts';
import { cleanupFinalizer } from './controller.ts';

/** A definition is not gone before its objects are: deleting it sets the finalizer that the controller takes away. */
export const definitionDeletion: ReadonlyMap<string, SpecialHandlers> = new Map<string, SpecialHandlers>([
  [
    'apiextensions.k8s.io/customresourcedefinitions/',
    {
      async delete(call, store) {
        const place = { namespace: '', name: call.info.name };
        if (!call.context.dryRun)
          await store.modify({ context: serverContext, place }, (draft) => {
            if (draft.metadata.deletionTimestamp || draft.metadata.finalizers?.includes(cleanupFinalizer))
              return undefined;
            draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), cleanupFinalizer];
            return draft;
          });
        return deleteObject(call, store);
      },
    },
  ],
]);
