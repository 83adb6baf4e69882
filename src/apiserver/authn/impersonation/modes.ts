import type { ApiError } from '../../../api/status.ts';
import { type Attributes, forbiddenError, privilegedGroup, type SettledAuthorizer } from '../../authz/authorizer.ts';
import type { UserInfo } from '../../server.ts';
import { accountOfUser, extraKeyProblem, nodeOfAccount, nodeOfUser } from './names.ts';

/** As whom a request wants to act, as its headers say it. */
export interface WantedUser {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

/** One way to be allowed to act as somebody. Upstream: `endpoints/filters/impersonation/mode.go`. */
export interface Mode {
  readonly name: 'associated-node' | 'arbitrary-node' | 'serviceaccount' | 'user-info' | 'legacy';
  applies(wanted: WantedUser, asker: UserInfo): boolean;
}

const onlyNamed = ({ uid, groups, extra }: WantedUser): boolean =>
  uid === '' && groups.length === 0 && extra.size === 0;

/** In the order in which they are tried: the narrow ones ahead of the one that has always been there. */
export const modes: readonly Mode[] = [
  {
    name: 'associated-node',
    applies(wanted, asker) {
      const node = nodeOfUser(wanted.name);
      return onlyNamed(wanted) && node !== undefined && nodeOfAccount(asker) === node;
    },
  },
  { name: 'arbitrary-node', applies: (wanted) => onlyNamed(wanted) && nodeOfUser(wanted.name) !== undefined },
  { name: 'serviceaccount', applies: (wanted) => onlyNamed(wanted) && accountOfUser(wanted.name) !== undefined },
  { name: 'user-info', applies: ({ name }) => nodeOfUser(name) === undefined && accountOfUser(name) === undefined },
  { name: 'legacy', applies: () => true },
];

/** From so many parts on, the right to all of them is asked for first. */
const many = 4;

/** What one mode asks of the authorizer. Each check throws the refusal. */
export function checkMode(options: {
  mode: Mode;
  wanted: WantedUser;
  asker: UserInfo;
  /** What the request itself is about. */
  attributes: Attributes;
  authorizer: SettledAuthorizer;
}): UserInfo {
  const { mode, wanted, attributes, authorizer } = options;
  const constrained = mode.name !== 'legacy';
  const verb = constrained ? `impersonate:${mode.name}` : 'impersonate';
  const ofNode = mode.name === 'associated-node';
  // The right is of the account on any node: what is known of the one node is not shown to the authorizer.
  const asker: UserInfo = ofNode
    ? {
        ...options.asker,
        extra: { 'authentication.kubernetes.io/associated-node-keys': Object.keys(options.asker.extra ?? {}).sort() },
      }
    : options.asker;

  const part = (group: string, resource: string, name: string, more: Partial<Attributes> = {}): Attributes => ({
    isResource: true,
    path: '',
    verb,
    group,
    version: 'v1',
    resource,
    subresource: '',
    namespace: '',
    name,
    ...more,
  });
  const refused = (asked: Attributes): ApiError | undefined => {
    const { allowed, reason, error } = authorizer.authorize(asker, asked);
    if (allowed) return undefined;
    return forbiddenError(asker, asked, [error, reason].filter((text) => text !== undefined && text !== '').join(': '));
  };
  const require = (asked: Attributes): void => {
    const refusal = refused(asked);
    if (refusal) throw refusal;
  };
  const requireEach = (all: Attributes, each: readonly Attributes[]): void => {
    if (constrained && each.length >= many && !refused(all)) return;
    for (const one of each) require(one);
  };

  if (constrained) require({ ...attributes, verb: `impersonate-on:${mode.name}:${attributes.verb}` });

  const nameGroup = constrained ? 'authentication.k8s.io' : '';
  const account = accountOfUser(wanted.name);
  const node = constrained ? nodeOfUser(wanted.name) : undefined;
  let groups = [...wanted.groups];
  if (node !== undefined) {
    groups = ['system:nodes'];
    require(part(nameGroup, 'nodes', ofNode ? '*' : node));
  } else if (account) {
    if (groups.length === 0) groups = ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`];
    require(part(nameGroup, 'serviceaccounts', account.name, { namespace: account.namespace }));
  } else require(part(nameGroup, 'users', wanted.name));

  if (wanted.uid !== '') require(part('authentication.k8s.io', 'uids', wanted.uid));
  checkGroups();
  checkExtra();
  return acting();

  function checkGroups(): void {
    const ofGroup = (name: string) => part(nameGroup, 'groups', name);
    if (constrained && wanted.groups.includes(''))
      throw forbiddenError(asker, ofGroup(''), 'impersonating the empty string group is not allowed');
    if (constrained && wanted.groups.includes(privilegedGroup))
      throw forbiddenError(
        asker,
        ofGroup(privilegedGroup),
        `impersonating the ${privilegedGroup} group is not allowed`,
      );
    requireEach(ofGroup('*'), wanted.groups.map(ofGroup));
  }

  function checkExtra(): void {
    const ofExtra = (subresource: string, name: string) =>
      part('authentication.k8s.io', 'userextras', name, { subresource });
    const entries = [...wanted.extra].flatMap(([key, values]) => values.map((value) => [key, value] as const));
    if (constrained)
      for (const [key, values] of wanted.extra) {
        const problem =
          extraKeyProblem(key) ??
          (values.includes('') ? 'impersonating the empty string value in extra is not allowed' : undefined);
        if (problem !== undefined) throw forbiddenError(asker, ofExtra('', ''), problem);
      }
    requireEach(
      ofExtra('*', '*'),
      entries.map(([key, value]) => ofExtra(key, value)),
    );
  }

  function acting(): UserInfo {
    const nobody = wanted.name === 'system:anonymous';
    const whole = nobody ? 'system:unauthenticated' : 'system:authenticated';
    if (!groups.includes(whole) && !groups.includes('system:unauthenticated')) groups.push(whole);
    return {
      name: wanted.name,
      ...(wanted.uid === '' ? {} : { uid: wanted.uid }),
      groups,
      ...(wanted.extra.size > 0
        ? { extra: Object.fromEntries([...wanted.extra].map(([key, values]) => [key, [...values]])) }
        : {}),
    };
  }
}
