import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsText } from '../../configuration/problems-text.ts';
import { type JwtSettings, readAuthenticationFile } from './configuration.ts';
import { authenticationProblems } from './validate.ts';

const good: JwtSettings = {
  issuer: { url: 'https://issuer.example', audiences: ['a'] },
  claimMappings: { username: { claim: 'sub', prefix: '' } },
};
const problems = (...jwt: JwtSettings[]): string | undefined =>
  problemsText(authenticationProblems({ jwt }, ['https://own.example']));

// What upstream's server (1.36.3) says to the same files.
const rows: [string, JwtSettings, string | undefined][] = [
  ['a plain issuer is good', good, undefined],
  [
    'the issuer of service accounts is nobody else',
    { ...good, issuer: { ...good.issuer, url: 'https://own.example' } },
    'jwt[0].issuer.url: Invalid value: "https://own.example": URL must not overlap with disallowed issuers: [https://own.example]',
  ],
  [
    'an issuer over plain HTTP',
    { ...good, issuer: { ...good.issuer, url: 'http://x' } },
    'jwt[0].issuer.url: Invalid value: "http://x": URL scheme must be https',
  ],
  [
    'a discovery address that is the issuer',
    { ...good, issuer: { ...good.issuer, discoveryURL: 'https://issuer.example/' } },
    'jwt[0].issuer.discoveryURL: Invalid value: "https://issuer.example/": discoveryURL must be different from URL',
  ],
  [
    'several audiences want a policy',
    { ...good, issuer: { ...good.issuer, audiences: ['a', 'b'] } },
    'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
  ],
  [
    'egress is not supported',
    { ...good, issuer: { ...good.issuer, egressSelectorType: 'cluster' } },
    'jwt[0].issuer.egressSelectorType: Invalid value: "cluster": egress selectors are not supported: issuers are reached directly',
  ],
  [
    'a claim wants a prefix',
    { ...good, claimMappings: { username: { claim: 'sub' } } },
    'jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing',
  ],
  [
    'a mail address that nobody verified is no name',
    { ...good, claimMappings: { username: { expression: 'claims.email' } } },
    'jwt[0].claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
  ],
  [
    'a rule elsewhere may verify it',
    {
      ...good,
      claimMappings: { username: { expression: "claims.?email.orValue('')" } },
      claimValidationRules: [{ expression: 'claims.?email_verified.orValue(false) == true' }],
    },
    undefined,
  ],
  [
    'a rule must be true or false for certain',
    { ...good, claimValidationRules: [{ expression: 'claims.email_verified' }] },
    'jwt[0].claimValidationRules[0].expression: Invalid value: "claims.email_verified": must evaluate to bool',
  ],
  [
    'a field that users have not',
    { ...good, userValidationRules: [{ expression: "user.foo == 'a'" }] },
    `jwt[0].userValidationRules[0].expression: Invalid value: "user.foo == 'a'": compilation failed: ERROR: <input>:1:5: undefined field 'foo'\n | user.foo == 'a'\n | ....^`,
  ],
  [
    'keys of extras are of a domain that is not Kubernetes’ own',
    {
      ...good,
      claimMappings: {
        username: { claim: 'sub', prefix: '' },
        extra: [{ key: 'a.k8s.io/y', valueExpression: 'claims.x' }],
      },
    },
    'jwt[0].claimMappings.extra[0].key: Invalid value: "a.k8s.io/y": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use',
  ],
];
for (const [name, settings, expected] of rows) test(name, () => assert.equal(problems(settings), expected));

test('an issuer is there once', () =>
  assert.equal(problems(good, good), 'jwt[1].issuer.url: Duplicate value: "https://issuer.example"'));

test('fields that nobody knows are refused', () =>
  assert.throws(
    () =>
      readAuthenticationFile(
        'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: [{issuer: {foo: 1}, bar: 1}]',
      ),
    { message: 'strict decoding error: unknown field "jwt[0].bar", unknown field "jwt[0].issuer.foo"' },
  ));
