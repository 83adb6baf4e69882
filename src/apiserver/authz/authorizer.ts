import { ApiError, forbidden, internalError } from '../../api/status.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from '../server.ts';

/** What is asked of an authorizer: a request line's meaning without its body. */
export type Attributes = Pick<
  RequestInfo,
  'isResource' | 'path' | 'verb' | 'group' | 'version' | 'resource' | 'subresource' | 'namespace' | 'name'
> & { readonly fieldSelector?: string | undefined; readonly labelSelector?: string | undefined };

/** What a request asks of an authorizer. Selectors matter to it only for lists and watches. */
export function attributesOf(info: RequestInfo, query: URLSearchParams): Attributes {
  if (query.size === 0 || (info.verb !== 'list' && info.verb !== 'watch' && info.verb !== 'deletecollection'))
    return info;
  const fieldSelector = query.get('fieldSelector') ?? undefined;
  const labelSelector = query.get('labelSelector') ?? undefined;
  return fieldSelector === undefined && labelSelector === undefined ? info : { ...info, fieldSelector, labelSelector };
}

/** `allowed` false with `denied` false is no opinion; the reason then goes into the refusal. */
export interface Decision {
  readonly allowed: boolean;
  readonly denied?: boolean | undefined;
  readonly reason: string;
  /** What kept an authorizer from deciding; a request that nobody allowed then fails instead of being refused. */
  readonly error?: string | undefined;
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

/** A promise only where somebody outside has to be asked: the hot path of every request goes through it. */
export interface Authorizer {
  authorize(user: UserInfo, attributes: Attributes): Decision | Promise<Decision>;
}

/** One that never has to ask. */
export interface SettledAuthorizer extends Authorizer {
  authorize(user: UserInfo, attributes: Attributes): Decision;
}

export const noOpinion: Decision = { allowed: false, reason: '' };

export const privilegedGroup = 'system:masters';

/**
 * The first that allows or denies decides; reasons of the others are gathered, one a line, as upstream's union does.
 * What goes wrong with one of them does not keep the next from deciding.
 */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  const decideFrom = (
    start: number,
    user: UserInfo,
    attributes: Attributes,
    before: Decision,
  ): Decision | Promise<Decision> => {
    let so = before;
    for (let i = start; i < authorizers.length; i++) {
      const decision = (authorizers[i] as Authorizer).authorize(user, attributes);
      if (decision instanceof Promise) {
        const [next, known] = [i + 1, so];
        return decision.then((d) =>
          d.allowed || d.denied ? d : decideFrom(next, user, attributes, gathered(known, d)),
        );
      }
      if (decision.allowed || decision.denied) return decision;
      so = gathered(so, decision);
    }
    return so;
  };
  return {
    authorize(user, attributes) {
      if (user.groups.includes(privilegedGroup)) return { allowed: true, reason: '' };
      return decideFrom(0, user, attributes, noOpinion);
    },
  };
}

function gathered(so: Decision, next: Decision): Decision {
  if (next.reason === '' && next.error === undefined) return so;
  const reason = [so.reason, next.reason].filter((text) => text !== '').join('\n');
  const errors = [so.error, next.error].filter((text) => text !== undefined);
  return { allowed: false, reason, ...(errors.length > 0 ? { error: aggregated(errors) } : {}) };
}

/** Several errors as Go's aggregate shows them. */
export const aggregated = (errors: readonly string[]): string =>
  errors.length === 1 ? (errors[0] ?? '') : `[${errors.join(', ')}]`;

/**
 * Runs `work` with an authorizer that answers at once. Where a decision has to be waited for, the work is given up and
 * begun anew when the decision is there: it must change nothing but what it returns.
 */
export function withDecisions<T>(authorizer: Authorizer, work: (settled: SettledAuthorizer) => T): T | Promise<T> {
  const known = new Map<string, Decision>();
  const attempt = (): T | Promise<T> => {
    let waiting: Promise<unknown> | undefined;
    const settled: SettledAuthorizer = {
      authorize(user, attributes) {
        const key = known.size > 0 ? JSON.stringify([user, attributes]) : '';
        const before = known.get(key);
        if (before) return before;
        if (!waiting) {
          const decision = authorizer.authorize(user, attributes);
          if (!(decision instanceof Promise)) return decision;
          waiting = decision.then((d) => known.set(key || JSON.stringify([user, attributes]), d));
        }
        throw new Error('a decision has to be waited for');
      },
    };
    let result: T;
    try {
      result = work(settled);
    } catch (error) {
      // Who caught our error on the way may have thrown another.
      if (waiting) return waiting.then(attempt);
      throw error;
    }
    return waiting ? waiting.then(attempt) : result;
  };
  return attempt();
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

/** What a request that nobody allowed is answered; the failure of an authorizer is not told as a refusal. */
export function refusal(user: UserInfo, attributes: Attributes, { reason, error }: Decision): ApiError {
  return error === undefined ? forbiddenError(user, attributes, reason) : internalError(error);
}
