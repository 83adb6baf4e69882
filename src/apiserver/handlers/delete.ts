import type { StatusDetails } from '../../api/gen/meta-v1.ts';
import { badRequest } from '../../api/status.ts';
import type { DeleteOptions, Draft } from '../registry/types.ts';
import { bodyValue } from './body.ts';
import type { Call, StoreHandler } from './call.ts';
import { booleanOf, dryRunOf, integerOf, textOf } from './options.ts';
import { placeOf } from './write.ts';

/** From the body when there is one, else from the query. */
async function deleteOptions(call: Call): Promise<{ options: DeleteOptions; dryRun: boolean }> {
  const body = await call.body();
  const present = body.kind === 'value' ? body.value !== undefined && body.value !== null : body.bytes.length > 0;
  if (present) {
    const given = bodyValue(body, 'DeleteOptions') as Draft & DeleteOptions & { dryRun?: string[] };
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw badRequest('decoded object cannot be converted to DeleteOptions');
    if (given.kind !== undefined && given.kind !== 'DeleteOptions')
      throw badRequest(
        `no kind "${given.kind}" is registered for version "${given.apiVersion ?? 'meta.k8s.io/v1'}" in scheme "pkg/runtime/scheme.go:111"`,
      );
    return { options: given, dryRun: dryRunOf(given.dryRun ?? call.query.getAll('dryRun'), 'DeleteOptions') };
  }
  const { query } = call;
  return {
    dryRun: dryRunOf(query.getAll('dryRun'), 'DeleteOptions'),
    options: {
      gracePeriodSeconds: integerOf(query, 'gracePeriodSeconds'),
      propagationPolicy: textOf(query, 'propagationPolicy'),
      orphanDependents: booleanOf(query, 'orphanDependents'),
    },
  };
}

/** The context with the body's `dryRun` in it. */
function withDryRun(call: Call, dryRun: boolean): Call['context'] {
  if (!dryRun || call.context.dryRun) return call.context;
  const { context } = call;
  return {
    user: context.user,
    dryRun: true,
    fieldManager: context.fieldManager,
    fieldValidation: context.fieldValidation,
    warn: (text) => context.warn(text),
    get signal() {
      return context.signal;
    },
  };
}

export const deleteObject: StoreHandler = async (call, store) => {
  const { options, dryRun } = await deleteOptions(call);
  const { stored, answerObject } = await store.delete(
    { context: withDryRun(call, dryRun), place: placeOf(call, store) },
    options,
  );
  if (answerObject) return { kind: 'stored', status: 200, stored, store };
  const { definition } = store;
  const details: StatusDetails = {
    name: stored.name,
    ...(definition.group === '' ? {} : { group: definition.group }),
    kind: definition.resource,
    uid: stored.object.metadata.uid,
  };
  return {
    kind: 'object',
    status: 200,
    object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details },
  };
};

export const deleteObjects: StoreHandler = async (call, store) => {
  const { info, query } = call;
  const { options, dryRun } = await deleteOptions(call);
  const result = await store.deleteCollection(
    { context: withDryRun(call, dryRun) },
    {
      namespace: store.definition.namespaced ? info.namespace : '',
      labelSelector: textOf(query, 'labelSelector'),
      fieldSelector: textOf(query, 'fieldSelector'),
      limit: integerOf(query, 'limit') || undefined,
      continue: textOf(query, 'continue') || undefined,
      resourceVersion: textOf(query, 'resourceVersion'),
      resourceVersionMatch: textOf(query, 'resourceVersionMatch') || undefined,
    },
    options,
  );
  return { kind: 'list', result, store };
};
