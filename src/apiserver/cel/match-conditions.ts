import type { SettledAuthorizer } from '../authz/authorizer.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { AuthorizerValue, ResourceCheck } from './library/authorizer.ts';

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
    namespace: a.namespace,
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
