import { managersOfParent, managersOfScale } from '../../api/apply/scale-managers.ts';
import { applyConfiguration, sorted, trackUpdate } from '../../api/apply.ts';
import { decodeValue } from '../../api/decode.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { GroupVersionKind } from '../../api/schema.ts';
import { methodNotAllowed, notFound } from '../../api/status.ts';
import { attributesOf, type Core, strategyContext, type View } from './core.ts';
import { newest } from './newest.ts';
import { applyPatch, managerOf } from './patch.ts';
import type { Kept } from './stored.ts';
import type {
  Draft,
  Frozen,
  PatchBody,
  Stored,
  StrategyContext,
  SubresourceBehaviour,
  WriteOptions,
  WriteOutcome,
} from './types.ts';
import { updateObject } from './update.ts';
import { plainStored } from './watch-events.ts';

/** The behaviour of a subresource that shows its parent in another kind (`scale`); undefined for all others. */
export function projectionOf(core: Core, subresource: string | undefined): SubresourceBehaviour | undefined {
  const behaviour = subresource ? core.definition.strategy.subresources?.[subresource] : undefined;
  return behaviour?.read ? behaviour : undefined;
}

export function readProjection(behaviour: SubresourceBehaviour, parent: Kept): Stored {
  return shown((behaviour.read as (parent: Frozen) => Draft)(parent.peek()), parent);
}

const shown = (object: Draft, parent: Stored): Stored => ({
  ...plainStored(object, parent.revision),
  namespace: parent.namespace,
  name: parent.name,
});

/** PUT or PATCH of a projection: `change` makes the new one from the current one. */
export async function writeProjection(
  core: Core,
  view: View,
  options: WriteOptions,
  behaviour: SubresourceBehaviour,
  isApply: boolean,
  change: (current: Draft, kind: GroupVersionKind) => Draft,
): Promise<WriteOutcome> {
  const kind = kindOf(core, options.subresource);
  const context = strategyContext(core, options);
  const read = behaviour.read as (parent: Frozen) => Draft;
  const path = behaviour.replicas ?? ['spec', 'replicas'];
  const stored = await updateObject(core, view, options, {
    tracking: false,
    admitting: false,
    async make(existing) {
      const managers = existing.peek().metadata.managedFields ?? [];
      const old = read(existing.peek());
      const shownManagers = managersOfScale(managers, path);
      const before: Draft = { ...old, metadata: { ...old.metadata, managedFields: shownManagers } };
      const object = change(structuredClone(before), kind);
      if (!isApply) trackUpdate(kind, before, object, managerOf(options.context, options.subresource, undefined));
      const attributes = attributesOf(core, view, 'UPDATE', options, { object, oldObject: old });
      await core.admission.mutate(attributes);
      await core.admission.validate(attributes);
      const parent = existing.draft();
      behaviour.write?.(parent, attributes.object as Draft, context);
      const after = object.metadata.managedFields ?? [];
      parent.metadata.managedFields = sorted(managersOfParent(managers, after, apiVersionOf(view.gvk), path));
      return parent;
    },
  });
  return { stored: readProjection(behaviour, stored), created: false };
}

export function patchedProjection(patch: PatchBody, { context, subresource }: WriteOptions) {
  return (current: Draft, kind: GroupVersionKind): Draft => {
    const result =
      patch.type === 'apply'
        ? applyConfiguration(kind, current, structuredClone(patch.body) as Draft, {
            ...managerOf(context, subresource, undefined),
            force: patch.force,
          })
        : applyPatch(kind, current, patch);
    const { object, warnings } = decodeValue(kind, result, { fieldValidation: context.fieldValidation });
    for (const text of warnings) context.warn(text);
    return object as Draft;
  };
}

/** POST on a subresource: a verb of the strategy (binding, eviction, …). */
export async function createSubresource(
  core: Core,
  view: View,
  options: WriteOptions,
  object: Draft,
): Promise<WriteOutcome> {
  const { definition } = core;
  const behaviour = definition.strategy.subresources?.[options.subresource ?? ''];
  if (!behaviour?.create) throw methodNotAllowed(definition, 'create');
  const parent = newest(core, core.cache.key(options.place));
  if (!parent) throw notFound(definition, options.place.name);
  const attributes = attributesOf(core, view, 'CREATE', options, { object, oldObject: undefined });
  await core.admission.mutate(attributes);
  await core.admission.validate(attributes);
  const context: StrategyContext = strategyContext(core, options);
  const answer = await behaviour.create(options.place, attributes.object as Draft, context);
  return { stored: plainStored(answer, 0), created: true };
}

function kindOf({ definition }: Core, subresource: string | undefined): GroupVersionKind {
  const found = definition.subresources.find((s) => s.name === subresource);
  return found?.kind ?? { group: definition.group, version: definition.storageVersion, kind: definition.kind };
}
