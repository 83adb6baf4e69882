import type { ParamKind, ParamRef } from '../../../api/gen/admissionregistration-v1.ts';
import { labelSelectorMatches } from '../../../api/selectors.ts';
import { isApiError } from '../../../api/status.ts';
import type { AdmissionAttributes, Frozen, Registry, ResourceStore } from '../../registry/types.ts';

function storeOf(registry: Registry, { apiVersion = '', kind = '' }: ParamKind): ResourceStore {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const definition = registry.definitions().find((d) => d.group === group && d.kind === kind);
  const store = definition && registry.lookup(group, version, definition.resource);
  if (!store) throw new Error(`paramKind kind \`&ParamKind{APIVersion:${apiVersion},Kind:${kind},}\` not known`);
  return store;
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
