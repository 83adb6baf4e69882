import { ApiError, forbidden } from '../../api/status.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from '../server.ts';

/** What is asked of an authorizer: a request line's meaning without its body. */
export type Attributes = Pick<
  RequestInfo,
  'isResource' | 'path' | 'verb' | 'group' | 'version' | 'resource' | 'subresource' | 'namespace' | 'name'
> & { readonly fieldSelector?: string | undefined };

/** `allowed` false with `denied` false is no opinion; the reason then goes into the refusal. */
export interface Decision {
  readonly allowed: boolean;
  readonly denied?: boolean | undefined;
  readonly reason: string;
}

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[] | undefined;
}

export interface NonResourceRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** Synchronous: the hot path of every request goes through it. */
export interface Authorizer {
  authorize(user: UserInfo, attributes: Attributes): Decision;
}

export const noOpinion: Decision = { allowed: false, reason: '' };

export const privilegedGroup = 'system:masters';

/** The first that allows or denies decides; reasons of the others are gathered, one a line, as upstream's union does. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(user, attributes) {
      if (user.groups.includes(privilegedGroup)) return { allowed: true, reason: '' };
      const reasons: string[] = [];
      for (const authorizer of authorizers) {
        const decision = authorizer.authorize(user, attributes);
        if (decision.allowed || decision.denied) return decision;
        if (decision.reason !== '') reasons.push(decision.reason);
      }
      return { allowed: false, reason: reasons.join('\n') };
    },
  };
}

const sanitize = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Go's `%q`, for the characters that names can hold. */
const quoted = (text: string): string => JSON.stringify(text);

function forbiddenMessage(user: UserInfo, a: Attributes): string {
  if (!a.isResource) return `User ${quoted(user.name)} cannot ${a.verb} path ${quoted(a.path)}`;
  const resource = a.subresource === '' ? a.resource : `${a.resource}/${a.subresource}`;
  const what = `User ${quoted(user.name)} cannot ${a.verb} resource ${quoted(resource)} in API group ${quoted(a.group)}`;
  return a.namespace === '' ? `${what} at the cluster scope` : `${what} in the namespace ${quoted(a.namespace)}`;
}

/** The 403 of a refused request, worded as upstream's `responsewriters.Forbidden`. */
export function forbiddenError(user: UserInfo, attributes: Attributes, reason: string): ApiError {
  const message = sanitize(forbiddenMessage(user, attributes));
  const why = reason === '' ? message : `${message}: ${reason}`;
  if (!attributes.isResource)
    return new ApiError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `forbidden: ${why}`,
      reason: 'Forbidden',
      details: {},
      code: 403,
    });
  return forbidden({ group: attributes.group, resource: attributes.resource }, attributes.name, why);
}
