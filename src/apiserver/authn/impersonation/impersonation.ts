import { badRequest } from '../../../api/status.ts';
import { type Attributes, type Authorizer, attributesOf, withDecisions } from '../../authz/authorizer.ts';
import { decodeKey, type Exchange, headerOf, headerValues } from '../../http/exchange.ts';
import { parseRequestInfo } from '../../http/request-info.ts';
import { parseQuery } from '../../http/request-target.ts';
import type { UserInfo } from '../../server.ts';
import { createImpersonationMetrics } from './metrics.ts';
import { checkMode, type Mode, modes, type WantedUser } from './modes.ts';

/** Who acts. */
export interface Acting {
  readonly user: UserInfo;
  /** The verb that allowed it, where a narrow right did. */
  readonly constraint?: string | undefined;
}

export interface Impersonation {
  /**
   * The user as whom a request wants to act, if the asker may; undefined when it wants to act as nobody else. Throws
   * what it is refused with. Upstream: `apiserver/pkg/endpoints/filters/impersonation`.
   */
  actingOf(asker: UserInfo, exchange: Request): Acting | undefined | Promise<Acting>;
  renderMetrics(): string;
}

type Request = Pick<Exchange, 'headers' | 'rawHeaders' | 'method' | 'url'>;

const extraPrefix = 'impersonate-extra-';
const askersRemembered = 10_000;

function wantedUser(request: Request): WantedUser | undefined {
  const { headers } = request;
  const extraHeaders = Object.keys(headers).filter((header) => header.startsWith(extraPrefix));
  const name = headerOf(headers, 'impersonate-user') ?? '';
  const groups = headers['impersonate-group'] === undefined ? [] : headerValues(request, 'impersonate-group');
  const uid = headerOf(headers, 'impersonate-uid') ?? '';
  const extra = new Map(
    extraHeaders.map((header) => [decodeKey(header.slice(extraPrefix.length)), headerValues(request, header)]),
  );
  if (name !== '') return { name, uid, groups, extra };
  if (uid === '' && groups.length === 0 && extra.size === 0) return undefined;
  throw badRequest(`requested ${describe({ name, uid, groups, extra })} without impersonating a user name`);
}

/** As Go's `%#v` shows it. */
function describe({ name, uid, groups, extra }: WantedUser): string {
  const quoted = (text: string): string => JSON.stringify(text);
  const list = (values: readonly string[]): string =>
    `[]string${values.length > 0 ? `{${values.map(quoted).join(', ')}}` : '(nil)'}`;
  const entries = [...extra].sort().map(([key, values]) => `${quoted(key)}:${list(values)}`);
  const map = `map[string][]string${entries.length > 0 ? `{${entries.join(', ')}}` : '(nil)'}`;
  return `&user.DefaultInfo{Name:${quoted(name)}, UID:${quoted(uid)}, Groups:${list(groups)}, Extra:${map}}`;
}

const modeOfVerb = (verb: string): string => (verb === 'impersonate' ? 'legacy' : (verb.split(':')[1] ?? ''));

function attributesOfRequest({ method, url }: Request): Attributes {
  const mark = url.indexOf('?');
  const query = parseQuery(mark < 0 ? '' : url.slice(mark + 1));
  return attributesOf(parseRequestInfo(method, mark < 0 ? url : url.slice(0, mark), query), query);
}

export function createImpersonation(authorizer: Authorizer): Impersonation {
  const metrics = createImpersonationMetrics();
  /** By who asked: the mode that allowed it the last time, tried first the next time. */
  const lastOf = new Map<string, Mode>();

  const measured: Authorizer = {
    authorize(user, attributes) {
      const began = performance.now();
      const decision = authorizer.authorize(user, attributes);
      const observe = ({ allowed }: { allowed: boolean }): void =>
        metrics.checks.observe(modeOfVerb(attributes.verb), allowed, performance.now() - began);
      if (!(decision instanceof Promise)) {
        observe(decision);
        return decision;
      }
      return decision.then((known) => {
        observe(known);
        return known;
      });
    },
  };

  const decide = (asker: UserInfo, wanted: WantedUser, attributes: Attributes) =>
    withDecisions(measured, (settled) => {
      const last = lastOf.get(asker.name);
      const order = last ? [last, ...modes.filter((mode) => mode !== last)] : modes;
      let refusal: unknown;
      for (const mode of order) {
        if (!mode.applies(wanted, asker)) continue;
        try {
          return { mode, user: checkMode({ mode, wanted, asker, attributes, authorizer: settled }) };
        } catch (error) {
          refusal ??= error;
        }
      }
      throw refusal;
    });

  return {
    actingOf(asker, request) {
      const wanted = wantedUser(request);
      if (!wanted) return undefined;
      const began = performance.now();
      const allowed = ({ mode, user }: { mode: Mode; user: UserInfo }): Acting => {
        metrics.attempts.observe(mode.name, true, performance.now() - began);
        if (lastOf.size >= askersRemembered) lastOf.clear();
        lastOf.set(asker.name, mode);
        return { user, constraint: mode.name === 'legacy' ? undefined : `impersonate:${mode.name}` };
      };
      const refused = (error: unknown): never => {
        metrics.attempts.observe('', false, performance.now() - began);
        throw error;
      };
      try {
        const found = decide(asker, wanted, attributesOfRequest(request));
        return found instanceof Promise ? found.then(allowed, refused) : allowed(found);
      } catch (error) {
        return refused(error);
      }
    },
    renderMetrics: metrics.render,
  };
}
