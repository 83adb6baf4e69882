import type { Registry } from '../registry/types.ts';
import { readObject } from './body.ts';
import type { SpecialHandlers } from './route.ts';
import { ensureNamespace } from './write.ts';

/** `POST …/bindings`: the old place of `pods/{name}/binding`; the pod is the one that the object is named after. */
export function bindings(registry: Registry): ReadonlyMap<string, SpecialHandlers> {
  return new Map<string, SpecialHandlers>([
    [
      '/bindings/',
      {
        async create(call) {
          const object = await readObject(call, { group: '', version: 'v1', kind: 'Binding' });
          const { namespace } = call.info;
          ensureNamespace(object, namespace);
          const { name = '' } = object.metadata;
          const store = registry.store('', 'pods');
          const options = {
            context: call.context,
            place: { namespace, name },
            subresource: 'binding',
            knownAs: 'bindings',
          };
          const { stored } = await store.create(options, object);
          return { kind: 'stored', status: 201, stored, store };
        },
      },
    ],
  ]);
}
