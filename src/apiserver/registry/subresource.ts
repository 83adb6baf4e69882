import { managersOfParent, managersOfScale } from '../../api/apply/scale-managers.ts';
import { applyConfiguration, sorted, trackUpdate } from '../../api/apply.ts';
import { decodeValue } from '../../api/decode.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { GroupVersionKind } from '../../api/schema.ts';
import { internalError, methodNotAllowed } from '../../api/status.ts';
import { attributesOf, type Core, strategyContext, type View } from './core.ts';
import { applyPatch, managerOf } from './patch.ts';
import type { Kept } from './stored.ts';
import type {
  AdmissionAttributes,
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
  const why = behaviour.unreadable?.(parent.peek());
  if (why !== undefined) throw internalError(why);
  return projected(behaviour, parent);
}

const projected = (behaviour: SubresourceBehaviour, parent: Kept): Stored =>
  shown((behaviour.read as (parent: Frozen) => Draft)(parent.peek()), parent);

const shown = (object: Draft, parent: Stored): Stored => ({
  ...plainStored(object, parent.revision),
  namespace: parent.namespace,
  name: parent.name,
});

/** PUT, PATCH or apply of a projection: `change` makes the new one from the current one. */
export async function writeProjection(
  core: Core,
  view: View,
  options: WriteOptions,
  behaviour: SubresourceBehaviour,
  how: 'put' | PatchBody['type'],
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
      const track = (changed: Draft): void =>
        trackUpdate(kind, before, changed, managerOf(options.context, options.subresource, undefined));
      if (how !== 'put' && how !== 'apply') track(object);
      const oldObject = how === 'put' ? old : before;
      const attributes = attributesOf(core, view, 'UPDATE', options, { object, oldObject });
      await core.admission.mutate(attributes);
      const changed = attributes.object as Draft;
      if (how === 'put') track(changed);
      const parent = existing.draft();
      behaviour.write?.(parent, changed, context);
      const after = changed.metadata.managedFields ?? [];
      parent.metadata.managedFields = sorted(managersOfParent(managers, after, apiVersionOf(view.gvk), path));
      const written = read(parent);
      written.metadata.resourceVersion ??= old.metadata.resourceVersion;
      await core.admission.validate({ ...attributes, object: written, oldObject: old });
      return parent;
    },
  });
  return { stored: projected(behaviour, stored), created: false };
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
  const context: StrategyContext = strategyContext(core, options);
  const attributes: AdmissionAttributes = {
    ...attributesOf(core, view, 'CREATE', options, { object, oldObject: undefined }),
    ...(options.knownAs ? { resource: options.knownAs, subresource: undefined } : {}),
  };
  // The legacy place of a subresource is a resource like any other.
  if (!behaviour.keepsIdentity || options.knownAs) {
    delete object.metadata.uid;
    delete object.metadata.creationTimestamp;
    delete object.metadata.deletionTimestamp;
    delete object.metadata.deletionGracePeriodSeconds;
    delete object.metadata.selfLink;
  }
  trackUpdate(attributes.kind, undefined, object, managerOf(options.context, attributes.subresource, undefined));
  await core.admission.mutate(attributes);
  behaviour.check?.(options.place, attributes.object as Draft, context);
  await core.admission.validate(attributes);
  const answer = await behaviour.create(options.place, attributes.object as Draft, context);
  return { stored: plainStored(answer, 0), created: true };
}

function kindOf({ definition }: Core, subresource: string | undefined): GroupVersionKind {
  const found = definition.subresources.find((s) => s.name === subresource);
  return found?.kind ?? { group: definition.group, version: definition.storageVersion, kind: definition.kind };
}
