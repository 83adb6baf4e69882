import type { ParamKind, ParamRef } from '../../../api/gen/admissionregistration-v1.ts';
import { labelSelectorMatches } from '../../../api/selectors.ts';
import { isApiError } from '../../../api/status.ts';
import type { AdmissionAttributes, Frozen, Registry, ResourceStore } from '../../registry/types.ts';

function storeOf(registry: Registry, { apiVersion = '', kind = '' }: ParamKind): ResourceStore | undefined {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const definition = registry.definitions().find((d) => d.group === group && d.kind === kind);
  return definition && registry.lookup(group, version, definition.resource);
}

/** What a policy's kind of parameters has against it; undefined: nothing. */
export function paramKindProblem(registry: Registry, kind: ParamKind | undefined): string | undefined {
  if (!kind || storeOf(registry, kind)) return undefined;
  const { apiVersion = '' } = kind;
  const shown = `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind.kind}`;
  return `failed to configure policy: failed to find resource referenced by paramKind: '${shown}'`;
}

/**
 * The parameters with which a policy is evaluated for a binding; `null` alone: without any. Empty: not at all. Throws with
 * upstream's words for what is set up wrongly (`generic.CollectParams`).
 */
export async function collectParams(
  registry: Registry,
  kind: ParamKind | undefined,
  ref: ParamRef | undefined,
  a: AdmissionAttributes,
): Promise<readonly (Frozen | null)[]> {
  if (!kind || !ref) return [null];
  const store = storeOf(registry, kind);
  if (!store)
    throw new Error(`paramKind kind \`&ParamKind{APIVersion:${kind.apiVersion},Kind:${kind.kind},}\` not known`);
  const { namespaced } = store.definition;
  if (!namespaced && ref.namespace)
    throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  const namespace = namespaced ? ref.namespace || a.namespace : '';
  if (namespaced && namespace === '')
    throw new Error('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  const params = await found(store, namespace, ref);
  if (params.length === 0 && ref.parameterNotFoundAction === 'Deny')
    throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction');
  return params;
}

async function found(store: ResourceStore, namespace: string, ref: ParamRef): Promise<readonly Frozen[]> {
  if (!ref.name) {
    const { items } = await store.list({ namespace });
    return items
      .map((item) => item.object)
      .filter((object) => labelSelectorMatches(ref.selector, object.metadata.labels));
  }
  try {
    return [(await store.get({ namespace, name: ref.name })).object];
  } catch (error) {
    if (isApiError(error, 'NotFound')) return [];
    throw error;
  }
}
