import type { SettledAuthorizer } from '../authz/authorizer.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { AuthorizerValue, ResourceCheck } from './library/authorizer.ts';

/** A namespace is in itself: so does a request's path say it. */
export const shownNamespace = ({ group, resource, namespace, name, object }: AdmissionAttributes): string =>
  group === '' && resource === 'namespaces' ? name || (object?.metadata.name ?? '') : namespace;

/** The object of a request; what somebody connects with has no metadata. */
export function shownObject({ operation, object }: AdmissionAttributes): object | undefined {
  if (operation !== 'CONNECT' || !object) return object;
  const { metadata: _, ...rest } = object;
  return rest;
}

/** What expressions see of a request, as upstream's `request` variable. */
export function requestValue(a: AdmissionAttributes): object {
  const { user } = a.context;
  const resourceOf = ({ group, version, resource }: AdmissionAttributes) => ({ group, version, resource });
  const asked = a.asked ?? a;
  return {
    kind: a.kind,
    resource: resourceOf(a),
    subResource: a.subresource ?? '',
    requestKind: asked.kind,
    requestResource: resourceOf(asked),
    requestSubResource: a.subresource ?? '',
    name: a.name || a.object?.metadata.name || '',
    namespace: shownNamespace(a),
    operation: a.operation,
    userInfo: { username: user.name, uid: user.uid ?? '', groups: user.groups, extra: user.extra ?? {} },
    dryRun: a.context.dryRun,
    options: a.options,
  };
}

/** `authorizer`, and `authorizer.requestResource`, which is about what the request is about. */
export function authorizerValues(a: AdmissionAttributes, authorizer: SettledAuthorizer): Record<string, unknown> {
  const value = new AuthorizerValue(authorizer, a.context.user);
  const { group, version, resource, subresource = '', namespace, name } = a.asked ?? a;
  const asked = new ResourceCheck(value, { group, version, resource, subresource, namespace, name });
  return { authorizer: value, 'authorizer.requestResource': asked };
}
