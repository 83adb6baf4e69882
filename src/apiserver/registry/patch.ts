import { applyConfiguration } from '../../api/apply.ts';
import { applyJsonPatch } from '../../api/patch-json.ts';
import { applyMergePatch } from '../../api/patch-merge.ts';
import { applyStrategicPatch } from '../../api/patch-strategic.ts';
import type { GroupVersionKind, TypeSchema } from '../../api/schema.ts';
import { ApiError, badRequest, conflict, isApiError } from '../../api/status.ts';
import type { Core, View } from './core.ts';
import { admitAndInsert, prepareForCreate } from './create.ts';
import { newest } from './newest.ts';
import type { Kept } from './stored.ts';
import type { Draft, PatchBody, RequestContext, WriteOptions, WriteOutcome } from './types.ts';
import { updateObject } from './update.ts';

/** PATCH: the patched object goes the whole way that a PUT goes. An apply creates what is not there. */
export async function patchObject(
  core: Core,
  view: View,
  options: WriteOptions,
  patch: PatchBody,
): Promise<WriteOutcome> {
  const apply = patch.type === 'apply';
  if (apply && !options.subresource && !newest(core, core.cache.key(options.place))) {
    return { stored: await createApplied(core, view, options, patch.body as Draft), created: true };
  }
  const stored = await updateObject(core, view, options, {
    tracking: !apply,
    admitting: true,
    make(existing) {
      if (!view.converts) return patched(view, existing.draft(), patch, options);
      const current = view.toView(existing.draft());
      return current instanceof Promise
        ? current.then((object) => patched(view, object, patch, options))
        : patched(view, current, patch, options);
    },
  });
  return { stored, created: false };
}

function patched(view: View, current: Draft, patch: PatchBody, { context, place, subresource }: WriteOptions): Draft {
  const { schema } = view.version;
  if (patch.type === 'apply') {
    const applied = patch.body as Draft;
    checkApplied(applied, place.name);
    const merged = applyConfiguration(view.gvk, current, applied, {
      ...managerOf(context, subresource, schema.type),
      force: patch.force,
    }) as Draft;
    return defaulted(view, schema.type ? schema.decode(merged, context) : merged);
  }
  const result = applyPatch(view.gvk, current, patch) as Draft;
  const decoded = decodedPatch(
    () => schema.decode(result, context),
    () => (patch.type === 'strategic' ? JSON.stringify(patch.body) : sortedText(result)),
  );
  checkIdentity(decoded, current);
  return defaulted(view, decoded);
}

/** An object that a patch has spoilt is the patch's fault, and is shown with it. */
function decodedPatch(decode: () => Draft, text: () => string): Draft {
  try {
    return decode();
  } catch (error) {
    if (!isApiError(error, 'BadRequest')) throw error;
    const why = error.message.replace(/^.*? cannot be handled as an? \S+: /s, '');
    const message = `Invalid value: ${JSON.stringify(text())}: ${why}`;
    throw new ApiError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: ` "" is invalid: patch: ${message}`,
      reason: 'Invalid',
      details: { causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }] },
      code: 422,
    });
  }
}

const sortedText = (object: Draft): string =>
  JSON.stringify(Object.fromEntries(Object.entries(object ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))));

/** The three patches that know nothing of owners, on any document. */
export function applyPatch(gvk: GroupVersionKind, document: object, patch: PatchBody): unknown {
  switch (patch.type) {
    case 'json':
      return applyJsonPatch(document, patch.body);
    case 'merge':
      return applyMergePatch(document, objectOf(patch.body));
    case 'strategic':
      return applyStrategicPatch(gvk, document, objectOf(patch.body));
    case 'apply':
      throw badRequest('server-side apply is not possible here');
  }
}

function objectOf(body: unknown): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  const found = Array.isArray(body) ? 'array' : body === null ? 'null' : typeof body;
  throw badRequest(
    `error decoding patch: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`,
  );
}

function defaulted(view: View, object: Draft): Draft {
  view.version.schema.applyDefaults(object);
  return object;
}

export function managerOf(context: RequestContext, subresource: string | undefined, schema: TypeSchema | undefined) {
  return { manager: context.fieldManager, subresource, now: new Date(), schema };
}

function checkIdentity(result: Draft, current: Draft): void {
  const { name, namespace } = result.metadata;
  if (name !== current.metadata.name) {
    throw badRequest(
      `the name of the object (${name ?? ''}) does not match the name on the URL (${current.metadata.name})`,
    );
  }
  if ((namespace ?? '') !== (current.metadata.namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

function checkApplied(applied: Draft, name: string): void {
  if (applied.metadata?.managedFields !== undefined && applied.metadata.managedFields.length > 0) {
    throw badRequest('metadata.managedFields must be nil');
  }
  applied.metadata ??= {};
  if (applied.metadata.name !== undefined && applied.metadata.name !== name) {
    throw badRequest(`the name of the object (${applied.metadata.name}) does not match the name on the URL (${name})`);
  }
}

async function createApplied(core: Core, view: View, options: WriteOptions, body: Draft): Promise<Kept> {
  const { context, place } = options;
  const { schema } = view.version;
  const applied = body;
  checkApplied(applied, place.name);
  applied.metadata.name = place.name;
  if (place.namespace !== '') applied.metadata.namespace = place.namespace;
  if (applied.metadata.uid) {
    const why = `uid mismatch: the provided object specified uid ${applied.metadata.uid}, and no existing object was found`;
    throw conflict(core.definition, place.name, why);
  }
  const merged = applyConfiguration(view.gvk, undefined, applied, managerOf(context, undefined, schema.type)) as Draft;
  const object = defaulted(view, schema.decode(merged, context));
  prepareForCreate(core, view, object);
  return admitAndInsert(core, view, options, object);
}
