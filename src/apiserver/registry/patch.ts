import { applyConfiguration } from '../../api/apply.ts';
import { valueWord } from '../../api/canonical.ts';
import { printed } from '../../api/go-text.ts';
import { applyJsonPatch } from '../../api/patch-json.ts';
import { applyMergePatch } from '../../api/patch-merge.ts';
import { applyStrategicPatch } from '../../api/patch-strategic.ts';
import { type GroupVersionKind, parseKind, schemaOf, type TypeSchema } from '../../api/schema.ts';
import { ApiError, badRequest, conflict, invalid, isApiError } from '../../api/status.ts';
import { textAsGiven } from '../../api/strict-json.ts';
import { goPackage } from '../http/go-type.ts';
import type { Core, View } from './core.ts';
import { admitAndInsert, prepareForCreate } from './create.ts';
import { newest } from './newest.ts';
import type { Kept } from './stored.ts';
import type { Draft, PatchBody, Place, RequestContext, WriteOptions, WriteOutcome } from './types.ts';
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
  const asPatch: WriteOptions = { ...options, isPatch: true };
  const stored = await updateObject(core, view, asPatch, {
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
    checkApplied(applied, place);
    const merged = applyConfiguration(view.gvk, current, applied, {
      ...managerOf(context, subresource, schema.type),
      force: patch.force,
    }) as Draft;
    checkUid(view, merged, current);
    return defaulted(view, schema.type ? schema.decode(merged, context) : merged);
  }
  const isBuiltIn = schemaOf(view.gvk) !== undefined;
  if (isBuiltIn && patch.asGiven !== undefined) {
    const given = applyPatch(view.gvk, current, { ...patch, body: patch.asGiven }) as Draft;
    decodedPatch(
      () => schema.decode(given, { fieldValidation: 'Ignore', warn() {} }),
      () => sortedText(given),
    );
  }
  const result = applyPatch(view.gvk, current, patch) as Draft;
  // A strategic merge has the place's kind, whatever it says.
  const says = patch.type === 'strategic' || !isBuiltIn ? undefined : kindOf(result, place);
  const decoded = decodedPatch(
    () => {
      if (says) checkKind(view, says);
      return withoutDuplicates(schema.decode(result, context, patch.type === 'strategic'), patch, context);
    },
    () => (patch.type === 'strategic' ? printed(patch.body) : sortedText(result)),
  );
  checkIdentity(decoded, current);
  checkUid(view, decoded, current);
  return defaulted(view, decoded);
}

/** A patch that gives an object another uid is wrong in itself; an object that is put is another one's. */
function checkUid({ gvk }: View, result: Draft, current: Draft): void {
  const { uid, name = '' } = result.metadata;
  if (!uid || uid === current.metadata.uid) return;
  const message = `Invalid value: ${JSON.stringify(uid)}: field is immutable`;
  const cause = { reason: 'FieldValueInvalid', message, field: 'metadata.uid' };
  const once = invalid({ group: gvk.group, kind: gvk.kind }, name, [cause]);
  throw new ApiError({ ...once.status, details: { ...once.status.details, causes: [cause, cause] } });
}

/** Fields that stand twice in a patch are told, or refused, as those of an object are. */
function withoutDuplicates(decoded: Draft, { duplicates = [] }: PatchBody, context: RequestContext): Draft {
  if (duplicates.length > 0 && context.fieldValidation === 'Strict')
    throw badRequest(`strict decoding error: ${duplicates.join(', ')}`);
  if (context.fieldValidation === 'Warn') for (const text of duplicates) context.warn(text);
  return decoded;
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
  textAsGiven(Object.fromEntries(Object.entries(object ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))));

/** The three patches that know nothing of owners, on any document. */
export function applyPatch(gvk: GroupVersionKind, document: object, patch: PatchBody): unknown {
  switch (patch.type) {
    case 'json':
      return applyJsonPatch(document, patch.body);
    case 'merge':
      return applyMergePatch(document, objectOf(patch.body, 'merge'));
    case 'strategic':
      return applyStrategicPatch(gvk, document, objectOf(patch.body, 'strategic'));
    case 'apply':
      throw badRequest('server-side apply is not possible here');
  }
}

function objectOf(body: unknown, type: 'merge' | 'strategic'): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  if (body === null && type === 'strategic') return {};
  if (body === null) throw badRequest('Invalid JSON Patch');
  const why = `json: cannot unmarshal ${valueWord(body)} into Go value of type map[string]interface {}`;
  throw badRequest(type === 'strategic' ? why : `error decoding patch: ${why}`);
}

function defaulted(view: View, object: Draft): Draft {
  view.version.schema.applyDefaults(object);
  return object;
}

export function managerOf(context: RequestContext, subresource: string | undefined, schema: TypeSchema | undefined) {
  return { manager: context.fieldManager, subresource, now: new Date(), schema };
}

interface GivenKind {
  apiVersion: string;
  kind: string;
}

/** What a patched object says that it is; undefined where it says no kind, or what is none. */
function kindOf(result: unknown, { name }: Place): GivenKind | undefined {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return undefined;
  const { apiVersion, kind } = result as Partial<GivenKind>;
  if (!apiVersion)
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  return typeof apiVersion === 'string' && typeof kind === 'string' && kind !== '' ? { apiVersion, kind } : undefined;
}

/** A patch may not make another kind of an object. */
function checkKind({ gvk }: View, { apiVersion, kind }: GivenKind): void {
  const given = parseKind(apiVersion, kind);
  if (given.group === gvk.group && given.version === gvk.version && kind === gvk.kind) return;
  if (apiVersion.split('/').length > 2) throw badRequest(`unexpected GroupVersion string: ${apiVersion}`);
  if (!schemaOf(given))
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  if (kind !== gvk.kind)
    throw badRequest(
      `converting (${given.version}.${kind}) to (${goPackage(gvk.group)}.${gvk.kind}): unknown conversion`,
    );
}

function checkIdentity(result: Draft, current: Draft): void {
  const { name, namespace } = result.metadata;
  const url = current.metadata.name;
  if (!name) throw badRequest(`the name of the object (${url} based on URL) was undeterminable: name must be provided`);
  if (name !== url) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${url})`);
  if ((namespace ?? '') !== (current.metadata.namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

function checkApplied(applied: Draft, { name, namespace }: Place): void {
  applied.metadata ??= {};
  const { metadata } = applied;
  if (metadata.name !== undefined && metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (metadata.namespace && metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

async function createApplied(core: Core, view: View, options: WriteOptions, body: Draft): Promise<Kept> {
  const { context, place } = options;
  const { schema } = view.version;
  const applied = body;
  checkApplied(applied, place);
  applied.metadata.name = place.name;
  if (place.namespace !== '') applied.metadata.namespace = place.namespace;
  // Upstream compares no revision with that of an object that is not there.
  delete applied.metadata.resourceVersion;
  if (applied.metadata.uid) {
    const why = `uid mismatch: the provided object specified uid ${applied.metadata.uid}, and no existing object was found`;
    throw conflict(core.definition, place.name, why);
  }
  const merged = applyConfiguration(view.gvk, undefined, applied, managerOf(context, undefined, schema.type)) as Draft;
  const object = defaulted(view, schema.decode(merged, context));
  prepareForCreate(core, view, object);
  return admitAndInsert(core, view, options, object);
}
