import type { Attributes, Decision, SettledAuthorizer } from '../../authz/authorizer.ts';
import type { UserInfo } from '../../server.ts';
import type { Environment } from '../environment.ts';
import type { LibraryValue } from '../values.ts';

const base = 'kubernetes.authorization';

/** `authorizer` in expressions: asks for the user of the request, or for a service account. */
export class AuthorizerValue implements LibraryValue {
  readonly celType = `${base}.Authorizer`;
  readonly authorizer: SettledAuthorizer;
  readonly user: UserInfo;
  constructor(authorizer: SettledAuthorizer, user: UserInfo) {
    this.authorizer = authorizer;
    this.user = user;
  }
  celEquals(other: unknown): boolean {
    return this === other;
  }
}

export class ResourceCheck implements LibraryValue {
  readonly celType = `${base}.ResourceCheck`;
  readonly of: AuthorizerValue;
  readonly attributes: Partial<Attributes>;
  constructor(of: AuthorizerValue, attributes: Partial<Attributes>) {
    this.of = of;
    this.attributes = attributes;
  }
  with(more: Partial<Attributes>): ResourceCheck {
    return new ResourceCheck(this.of, { ...this.attributes, ...more });
  }
  celEquals(other: unknown): boolean {
    return this === other;
  }
}

class GroupCheck implements LibraryValue {
  readonly celType = `${base}.GroupCheck`;
  readonly of: AuthorizerValue;
  readonly group: string;
  constructor(of: AuthorizerValue, group: string) {
    this.of = of;
    this.group = group;
  }
  celEquals(other: unknown): boolean {
    return this === other;
  }
}
class PathCheck implements LibraryValue {
  readonly celType = `${base}.PathCheck`;
  readonly of: AuthorizerValue;
  readonly path: string;
  constructor(of: AuthorizerValue, path: string) {
    this.of = of;
    this.path = path;
  }
  celEquals(other: unknown): boolean {
    return this === other;
  }
}
class DecisionValue implements LibraryValue {
  readonly celType = `${base}.Decision`;
  readonly decision: Decision;
  constructor(decision: Decision) {
    this.decision = decision;
  }
  celEquals(other: unknown): boolean {
    return this === other;
  }
}

const blank: Attributes = {
  isResource: true,
  path: '',
  verb: '',
  group: '',
  version: '*',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
};

const decide = (of: AuthorizerValue, attributes: Partial<Attributes>): DecisionValue =>
  new DecisionValue(of.authorizer.authorize(of.user, { ...blank, ...attributes }));

function serviceAccount(of: AuthorizerValue, namespace: string, name: string): AuthorizerValue {
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) throw new Error('Invalid service account name');
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(namespace)) throw new Error('Invalid service account namespace');
  return new AuthorizerValue(of.authorizer, {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  });
}

/** Upstream: `cel/library/authz.go`. */
export function addAuthorizerLibrary(environment: Environment): void {
  const resource = `${base}.ResourceCheck`;
  const decision = `${base}.Decision`;
  environment
    .registerOpaque(resource)
    .registerOpaque(`${base}.Authorizer`)
    .registerOpaque(`${base}.GroupCheck`)
    .registerOpaque(`${base}.PathCheck`)
    .registerOpaque(decision)
    .registerFunction(`${base}.Authorizer.path(string): ${base}.PathCheck`, (of: AuthorizerValue, path: string) => {
      if (path === '') throw new Error('path must not be empty');
      return new PathCheck(of, path);
    })
    .registerFunction(`${base}.PathCheck.check(string): ${decision}`, ({ of, path }: PathCheck, verb: string) =>
      decide(of, { isResource: false, path, verb }),
    )
    .registerFunction(
      `${base}.Authorizer.group(string): ${base}.GroupCheck`,
      (of: AuthorizerValue, group: string) => new GroupCheck(of, group),
    )
    .registerFunction(`${base}.Authorizer.serviceAccount(string, string): ${base}.Authorizer`, serviceAccount)
    .registerFunction(`${base}.GroupCheck.resource(string): ${resource}`, ({ of, group }: GroupCheck, name: string) => {
      if (name === '') throw new Error('resource must not be empty');
      return new ResourceCheck(of, { group, resource: name });
    })
    .registerFunction(`${resource}.subresource(string): ${resource}`, (check: ResourceCheck, subresource: string) =>
      check.with({ subresource }),
    )
    .registerFunction(`${resource}.namespace(string): ${resource}`, (check: ResourceCheck, namespace: string) =>
      check.with({ namespace }),
    )
    .registerFunction(`${resource}.name(string): ${resource}`, (check: ResourceCheck, name: string) =>
      check.with({ name }),
    )
    .registerFunction(`${resource}.fieldSelector(string): ${resource}`, (check: ResourceCheck, fieldSelector: string) =>
      check.with({ fieldSelector }),
    )
    .registerFunction(`${resource}.labelSelector(string): ${resource}`, (check: ResourceCheck, labelSelector: string) =>
      check.with({ labelSelector }),
    )
    .registerFunction(`${resource}.check(string): ${decision}`, (check: ResourceCheck, verb: string) =>
      decide(check.of, { ...check.attributes, verb }),
    )
    .registerFunction(`${decision}.allowed(): bool`, (value: DecisionValue) => value.decision.allowed)
    .registerFunction(`${decision}.reason(): string`, (value: DecisionValue) => value.decision.reason)
    .registerFunction(`${decision}.errored(): bool`, (value: DecisionValue) => value.decision.error !== undefined)
    .registerFunction(`${decision}.error(): string`, (value: DecisionValue) => value.decision.error ?? '');
}
