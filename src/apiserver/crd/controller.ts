import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '../../api/gen/apiextensions-v1.ts';
import { isApiError } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { serverContext } from '../bootstrap/context.ts';
import { customColumns } from '../http/transform.ts';
import { createMirror, type Mirror } from '../mirror.ts';
import type { OpenApiAddition } from '../openapi/openapi.ts';
import { timestamp } from '../registry/core.ts';
import type { Draft, Registry } from '../registry/types.ts';
import { type Convert, definitionOf } from './definition.ts';
import { openApiAdditions } from './openapi.ts';
import { registeredVersions, registerVersion, unregisterVersion } from './register-version.ts';

export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

const group = 'apiextensions.k8s.io';

export interface CustomResources {
  start(): Promise<void>;
  stop(): void;
  openApi(): readonly OpenApiAddition[];
}

export interface CustomResourcesOptions {
  registry: Registry;
  /** Between versions, for definitions whose conversion is a webhook. */
  convertFor: (crd: CustomResourceDefinition) => Convert | undefined;
  log: Logger;
}

type Condition = CustomResourceDefinitionCondition;

/** Puts a condition in place of the one of its type; the time changes with the status. True when anything changed. */
function setCondition(conditions: Condition[], next: Omit<Condition, 'lastTransitionTime'>): boolean {
  const index = conditions.findIndex((condition) => condition.type === next.type);
  const old = conditions[index];
  if (old && old.status === next.status && old.reason === next.reason && old.message === next.message) return false;
  const lastTransitionTime = old?.status === next.status ? (old.lastTransitionTime ?? timestamp()) : timestamp();
  const made = { ...next, lastTransitionTime };
  if (index < 0) conditions.push(made);
  else conditions[index] = made;
  return true;
}

/** The names that a definition asks for, with those that follow from others. */
const completeNames = ({ spec: { names } }: CustomResourceDefinition): CustomResourceDefinitionNames => ({
  ...names,
  listKind: names.listKind || `${names.kind}List`,
  singular: names.singular || names.kind.toLowerCase(),
});

/** Makes resources of CustomResourceDefinitions: names, conditions, serving, and emptying before they go. */
export function createCustomResources(options: CustomResourcesOptions): CustomResources {
  const { registry, log } = options;
  const served = new Map<string, CustomResourceDefinition>();
  const queues = new Map<string, Promise<void>>();
  let mirror: Mirror | undefined;

  const conflictOf = (crd: CustomResourceDefinition): string | undefined => {
    const { names } = crd.spec;
    for (const other of registry.definitions()) {
      if (other.group !== crd.spec.group || other.resource === names.plural) continue;
      if (other.kind === names.kind) return `"${names.kind}" is already in use`;
      const words = [other.singular, ...other.shortNames];
      const taken = [names.singular, ...(names.shortNames ?? [])].find((word) => word && words.includes(word));
      if (taken) return `"${taken}" is already in use`;
    }
    return undefined;
  };

  const writeStatus = async (name: string, conflict: string | undefined): Promise<void> => {
    await registry
      .store(group, 'customresourcedefinitions')
      .modify({ context: serverContext, place: { namespace: '', name }, subresource: 'status' }, (draft) => {
        const crd = draft as unknown as CustomResourceDefinition;
        crd.status ??= {};
        const { status, spec } = crd;
        status.conditions ??= [];
        let changed = setCondition(
          status.conditions,
          conflict === undefined
            ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
            : { type: 'NamesAccepted', status: 'False', reason: 'NameConflict', message: conflict },
        );
        const established = status.conditions.some((c) => c.type === 'Established' && c.status === 'True');
        if (conflict === undefined) {
          const names = completeNames(crd);
          if (JSON.stringify(status.acceptedNames) !== JSON.stringify(names)) {
            status.acceptedNames = names;
            changed = true;
          }
        }
        if (!established)
          changed =
            setCondition(
              status.conditions,
              conflict === undefined
                ? {
                    type: 'Established',
                    status: 'True',
                    reason: 'InitialNamesAccepted',
                    message: 'the initial names have been accepted',
                  }
                : {
                    type: 'Established',
                    status: 'False',
                    reason: 'NotAccepted',
                    message: 'not all names are accepted',
                  },
            ) || changed;
        const storage = spec.versions.find((version) => version.storage)?.name ?? '';
        if (!status.storedVersions?.includes(storage)) {
          status.storedVersions = [...(status.storedVersions ?? []), storage];
          changed = true;
        }
        return changed ? draft : undefined;
      });
  };

  const isServed = (ofGroup: string, version: string): boolean =>
    registry
      .definitions()
      .some((d) => d.group === ofGroup && d.versions.some((v) => v.served && v.version === version));

  /** The versions that a definition had, where no other has them. */
  const unregister = async ({ spec }: CustomResourceDefinition): Promise<void> => {
    for (const { name } of spec.versions) {
      if (!isServed(spec.group, name)) await unregisterVersion(registry, spec.group, name);
    }
  };

  /** What a server that was ended in between has left: a version that nobody serves holds up all who ask every group. */
  const unregisterLeft = async (): Promise<void> => {
    for (const left of await registeredVersions(registry)) {
      if (!isServed(left.group, left.version)) await unregisterVersion(registry, left.group, left.version);
    }
  };

  const serve = async (crd: CustomResourceDefinition, before: CustomResourceDefinition | undefined): Promise<void> => {
    const { group: ofGroup, names, versions } = crd.spec;
    for (const version of versions) {
      const place = `${ofGroup}/${version.name}/${names.plural}`;
      customColumns.set(place, { additionalPrinterColumns: version.additionalPrinterColumns ?? [] });
    }
    served.set(crd.metadata?.name ?? '', crd);
    for (const version of versions) if (version.served) await registerVersion(registry, ofGroup, version.name);
    await registry.add(definitionOf(crd, { convert: options.convertFor(crd) }));
    if (before) await unregister(before);
  };

  /** What of a definition makes its serving different. */
  const essence = (crd: CustomResourceDefinition): string => JSON.stringify([crd.spec, crd.status?.acceptedNames]);

  const empty = async (crd: CustomResourceDefinition): Promise<void> => {
    const { names } = crd.spec;
    const definitions = registry.store(group, 'customresourcedefinitions');
    const place = { namespace: '', name: crd.metadata?.name ?? '' };
    await definitions.modify({ context: serverContext, place, subresource: 'status' }, (draft) => {
      const object = draft as unknown as CustomResourceDefinition;
      object.status ??= {};
      object.status.conditions ??= [];
      const changed = setCondition(object.status.conditions, {
        type: 'Terminating',
        status: 'True',
        reason: 'InstanceDeletionInProgress',
        message: 'CustomResource deletion is in progress',
      });
      return changed ? draft : undefined;
    });
    if (served.has(place.name)) {
      const store = registry.store(crd.spec.group, names.plural);
      await store.deleteCollection({ context: serverContext }, {}, {});
      // Finalizers of the objects may hold them: look again until nothing is left.
      if ((await store.list({ limit: 1 })).items.length > 0) {
        setTimeout(() => void enqueue(place.name), 1000).unref();
        return;
      }
    }
    await definitions.modify({ context: serverContext, place }, (draft: Draft) => {
      const finalizers = draft.metadata.finalizers?.filter((finalizer) => finalizer !== cleanupFinalizer);
      if (finalizers?.length === draft.metadata.finalizers?.length) return undefined;
      draft.metadata.finalizers = finalizers;
      return draft;
    });
  };

  const reconcile = async (name: string): Promise<void> => {
    let crd: CustomResourceDefinition;
    try {
      const stored = await registry.store(group, 'customresourcedefinitions').get({ namespace: '', name });
      crd = stored.object as unknown as CustomResourceDefinition;
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
      const gone = served.get(name);
      served.delete(name);
      if (!gone) return;
      await registry.remove(gone.spec.group, gone.spec.names.plural);
      return unregister(gone);
    }
    if (crd.metadata?.deletionTimestamp) {
      if (crd.metadata.finalizers?.includes(cleanupFinalizer)) await empty(crd);
      return;
    }
    const conflict = conflictOf(crd);
    if (conflict === undefined) {
      // Served before it is said to be: who waits for `Established` uses it at once.
      const accepted = { ...crd, status: { ...crd.status, acceptedNames: completeNames(crd) } };
      const before = served.get(name);
      if (!before || essence(before) !== essence(accepted)) await serve(accepted, before);
    }
    await writeStatus(name, conflict);
  };

  /** One at a time per definition, in order. */
  const enqueue = (name: string): Promise<void> => {
    const next = (queues.get(name) ?? Promise.resolve()).then(() =>
      reconcile(name).catch((error: unknown) =>
        log.error('a custom resource definition cannot be followed', { name, error: messageOf(error) }),
      ),
    );
    queues.set(name, next);
    return next.finally(() => {
      if (queues.get(name) === next) queues.delete(name);
    });
  };

  return {
    openApi: () => openApiAdditions(served.values()),
    async start() {
      const first: Promise<void>[] = [];
      mirror = await createMirror(registry.store(group, 'customresourcedefinitions'), {
        put: ({ name }) => void first.push(enqueue(name)),
        remove: ({ name }) => void enqueue(name),
      });
      await Promise.all(first);
      await unregisterLeft();
    },
    stop: () => mirror?.stop(),
  };
}
