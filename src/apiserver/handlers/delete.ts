import { decodeValue, notKinded } from '../../api/decode.ts';
import type { StatusDetails } from '../../api/gen/meta-v1.ts';
import { type GroupVersionKind, namedType } from '../../api/schema.ts';
import { badRequest, isApiError } from '../../api/status.ts';
import type { DeleteOptions } from '../registry/types.ts';
import { bodyValue } from './body.ts';
import type { Call, CallBody, StoreHandler } from './call.ts';
import { booleanOf, dryRunOf, integerOf, textOf } from './options.ts';
import { placeOf } from './write.ts';

const gvk: GroupVersionKind = { group: 'meta.k8s.io', version: 'v1', kind: 'DeleteOptions' };

const optionsType = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';

type Given = DeleteOptions & { dryRun?: string[] };

/** Upstream tells what is wrong with these options, and not of what. */
function bare<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!isApiError(error, 'BadRequest')) throw error;
    throw badRequest(
      error.message
        .replace(/^the object provided is unrecognized \(must be of type \w+\): (.*) \(.*?\)$/s, '$1')
        .replace(/^.*? cannot be handled as an? \S+: /s, ''),
    );
  }
}

function fromBody(body: CallBody): Given {
  return bare(() => {
    const value = bodyValue(body, gvk.kind) ?? {};
    if (typeof value !== 'object' || Array.isArray(value))
      throw badRequest(`couldn't get version/kind; json parse error: ${notKinded(value)}`);
    const { kind, apiVersion = 'v1' } = value as { kind?: string; apiVersion?: string };
    if (kind !== undefined && kind !== gvk.kind)
      throw badRequest(
        `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:111"`,
      );
    return decodeValue(gvk, value, { fieldValidation: 'Ignore', schema: namedType(optionsType) }).object as Given;
  });
}

function fromQuery(query: URLSearchParams): Given {
  const uid = textOf(query, 'uid');
  const resourceVersion = textOf(query, 'resourceVersion');
  const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
  return {
    gracePeriodSeconds: integerOf(query, 'gracePeriodSeconds'),
    propagationPolicy: textOf(query, 'propagationPolicy'),
    orphanDependents: booleanOf(query, 'orphanDependents'),
    dryRun: query.getAll('dryRun'),
    ...(uid || resourceVersion ? { preconditions } : {}),
  };
}

/** From the body when there is one, which leaves nothing of the query; else from the query. */
async function deleteOptions(call: Call): Promise<{ options: DeleteOptions; dryRun: boolean }> {
  const body = await call.body();
  const present = body.kind === 'value' ? body.value !== undefined && body.value !== null : body.bytes.length > 0;
  const given = present ? fromBody(body) : fromQuery(call.query);
  // Upstream records them as it has them within.
  if (present) call.requested?.({ ...given, kind: gvk.kind, apiVersion: 'meta.k8s.io/__internal' });
  const { dryRun, ...options } = given;
  return { options, dryRun: dryRunOf(dryRun ?? [], 'DeleteOptions') };
}

/** The context with `dryRun` as the options have it. */
function withDryRun({ context }: Call, dryRun: boolean): Call['context'] {
  if (dryRun === context.dryRun) return context;
  return {
    user: context.user,
    dryRun,
    fieldManager: context.fieldManager,
    fieldValidation: context.fieldValidation,
    ...(context.said ? { said: context.said } : {}),
    warn: (text) => context.warn(text),
    annotate: (key, value) => context.annotate?.(key, value),
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
      sendInitialEvents: booleanOf(query, 'sendInitialEvents'),
    },
    options,
  );
  return { kind: 'list', result, store };
};
