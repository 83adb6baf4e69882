import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../src/base/eventually.ts';
import { testFolder } from '../harness/folder.ts';
import { type HttpsService, startHttpsService } from './https-service.ts';
import { type Json, startServer, type TestServer } from './start-server.ts';

interface Key {
  id: string;
  alg: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

const rsa = (id: string, alg: string): Key => ({ id, alg, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) });
const ec = (id: string, alg: string, namedCurve: string): Key => ({
  id,
  alg,
  ...generateKeyPairSync('ec', { namedCurve }),
});

/** A token as an issuer signs it; `exp` an hour from now unless the claims say otherwise. */
function tokenOf({ id, alg, privateKey }: Key, claims: object, header: object = {}): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg, kid: id, ...header })}.${part({ exp: Math.floor(Date.now() / 1000) + 3600, ...claims })}`;
  const signature = sign(`sha${alg.slice(2)}`, Buffer.from(input), {
    key: privateKey,
    ...(alg.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' as const } : {}),
    ...(alg.startsWith('PS') ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {}),
  });
  return `${input}.${signature.toString('base64url')}`;
}

interface Issuer extends HttpsService {
  keys: Key[];
  /** A path of its own that answers something. */
  answers: Map<string, string>;
}

async function startIssuer(options: { discovery?: string; issuer?: string } = {}): Promise<Issuer> {
  const state = { keys: [] as Key[], answers: new Map<string, string>() };
  const service = await startHttpsService(({ path }) => {
    if (path === (options.discovery ?? '/.well-known/openid-configuration'))
      return { issuer: options.issuer ?? service.url, jwks_uri: `${service.url}/keys` };
    if (path === '/keys')
      return {
        keys: state.keys.map(({ id, alg, publicKey }) => ({
          ...publicKey.export({ format: 'jwk' }),
          kid: id,
          alg,
          use: 'sig',
        })),
      };
    return state.answers.get(path) ?? [404, 'no such page'];
  });
  return Object.assign(service, state);
}

const fileOf = (content: object): string =>
  JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', ...content });

const who = async (server: TestServer, token: string): Promise<Json> => {
  const { status, body } = await server.ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    body: {},
    token,
  });
  return status === 201 ? body.status.userInfo : status;
};

/** Why a token is not taken. */
const whyNot = async (server: TestServer, token: string): Promise<string> => {
  const { body } = await server.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    body: { spec: { token } },
  });
  return body.status.error;
};

const known = async (server: TestServer, token: string): Promise<Json> => {
  return eventually('the token to be taken', async () => {
    const found = await who(server, token);
    if (typeof found === 'object') return found;
    throw new Error(`the token is not taken: ${await whyNot(server, token)}`);
  });
};

async function folderOf(t: TestContext): Promise<string> {
  const folder = await testFolder('oidc');
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('tokens of several issuers make users by claims and by expressions', async (t) => {
  const folder = await folderOf(t);
  await using first = await startIssuer();
  await using second = await startIssuer({ discovery: '/elsewhere', issuer: 'https://issuer.example' });
  const keys = [
    rsa('r', 'RS256'),
    rsa('p', 'PS384'),
    ec('e', 'ES256', 'P-256'),
    ec('f', 'ES384', 'P-384'),
    ec('g', 'ES512', 'P-521'),
  ];
  first.keys.push(...keys);
  second.keys.push(keys[0] as Key);
  const configFile = join(folder, 'authentication.json');
  const jwt = [
    {
      issuer: {
        url: first.url,
        audiences: ['knarr', 'other'],
        audienceMatchPolicy: 'MatchAny',
        certificateAuthority: first.ca,
      },
      claimMappings: {
        username: { claim: 'sub', prefix: 'x:' },
        groups: { claim: 'roles', prefix: 'r:' },
        uid: { claim: 'id' },
      },
      claimValidationRules: [{ claim: 'hd', requiredValue: 'example.com' }],
    },
    {
      issuer: {
        url: 'https://issuer.example',
        discoveryURL: `${second.url}/elsewhere`,
        audiences: ['knarr'],
        certificateAuthority: second.ca,
      },
      claimMappings: {
        username: { expression: "claims.email.split('@')[0] + (claims.email_verified ? '' : ':unverified')" },
        groups: { expression: "claims.?team.orValue(['none'])" },
        uid: { expression: 'claims.sub' },
        extra: [{ key: 'example.org/level', valueExpression: 'string(claims.deep.level)' }],
      },
      claimValidationRules: [{ expression: 'claims.exp - claims.iat <= 7200', message: 'lives too long' }],
      userValidationRules: [{ expression: "!user.username.startsWith('system:')", message: 'reserved' }],
    },
  ];
  await writeFile(configFile, fileOf({ jwt }));
  await using server = await startServer({
    store: 'memory',
    logLevel: 'error',
    more: { authentication: { configFile } },
  });

  const good = { iss: first.url, aud: 'knarr', sub: 'ann', roles: ['a', 'b'], id: '7', hd: 'example.com', jti: 'J' };
  for (const key of keys)
    assert.deepEqual(await known(server, tokenOf(key, good)), {
      username: 'x:ann',
      uid: '7',
      groups: ['r:a', 'r:b', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': ['JTI=J'] },
    });
  const rows: [string, Key, object, RegExp][] = [
    [
      'another audience',
      keys[0] as Key,
      { ...good, aud: ['y'] },
      /oidc: verify token: oidc: expected audience in \["knarr" "other"\] got \["y"\]/,
    ],
    [
      'expired',
      keys[0] as Key,
      { ...good, exp: 1_600_000_000 },
      /oidc: token is expired \(Token Expiry: 2020-09-13 12:26:40 \+0000 UTC\)/,
    ],
    ['not yet', keys[0] as Key, { ...good, nbf: Date.now() / 1000 + 600 }, /before the nbf \(not before\) time/],
    [
      'a claim that is missing',
      keys[0] as Key,
      { ...good, hd: undefined },
      /oidc: required claim hd not present in ID token/,
    ],
    [
      'a claim that is another',
      keys[0] as Key,
      { ...good, hd: 'z' },
      /oidc: required claim hd value does not match. Got = z, want = example.com/,
    ],
    [
      'a claim of another kind',
      keys[0] as Key,
      { ...good, sub: 5 },
      /oidc: parse username claims "sub": json: cannot unmarshal number into Go value of type string/,
    ],
    [
      'a key that is not the issuer’s',
      rsa('r', 'RS256'),
      good,
      /oidc: verify token: failed to verify signature: failed to verify id token signature/,
    ],
  ];
  for (const [name, key, claims, expected] of rows)
    assert.match(await whyNot(server, tokenOf(key, claims)), expected, name);

  const iat = Math.floor(Date.now() / 1000);
  const other = {
    iss: 'https://issuer.example',
    aud: 'knarr',
    sub: '1',
    iat,
    email: 'bea@x',
    email_verified: true,
    deep: { level: 'high' },
  };
  const key = keys[0] as Key;
  assert.deepEqual(await known(server, tokenOf(key, { ...other, team: ['t', ''] })), {
    username: 'bea',
    uid: '1',
    groups: ['t', 'system:authenticated'],
    extra: { 'example.org/level': ['high'] },
  });
  assert.match(
    await whyNot(server, tokenOf(key, { ...other, iat: iat - 7200 })),
    /oidc: error evaluating claim validation expression: validation expression 'claims.exp - claims.iat <= 7200' failed: lives too long/,
  );
  assert.match(
    await whyNot(server, tokenOf(key, { ...other, email: 'system:x@y' })),
    /oidc: error evaluating user info validation rule: validation expression .* failed: reserved/,
  );
});

test('keys that are turned over are fetched, and a changed file takes effect', async (t) => {
  const folder = await folderOf(t);
  await using issuer = await startIssuer();
  issuer.keys.push(rsa('1', 'RS256'));
  const configFile = join(folder, 'authentication.json');
  const jwt = (prefix: string): object => ({
    jwt: [
      {
        issuer: { url: issuer.url, audiences: ['knarr'], certificateAuthority: issuer.ca },
        claimMappings: { username: { claim: 'sub', prefix } },
      },
    ],
    anonymous: { enabled: true, conditions: [{ path: '/livez' }] },
  });
  await writeFile(configFile, fileOf(jwt('a:')));
  await using server = await startServer({
    store: 'memory',
    logLevel: 'error',
    more: { authentication: { configFile } },
  });
  const claims = { iss: issuer.url, aud: 'knarr', sub: 'ann' };
  assert.equal((await known(server, tokenOf(issuer.keys[0] as Key, claims))).username, 'a:ann');
  assert.equal((await server.ask('GET', '/livez', { token: '' })).status, 200);
  assert.equal((await server.ask('GET', '/version', { token: '' })).status, 401);

  const old = issuer.keys[0] as Key;
  issuer.keys.splice(0, 1, ec('2', 'ES256', 'P-256'));
  const renewed = tokenOf(issuer.keys[0] as Key, claims);
  assert.equal((await known(server, renewed)).username, 'a:ann');
  assert.match(await whyNot(server, tokenOf(old, { ...claims, n: 1 })), /failed to verify id token signature/);

  await writeFile(configFile, fileOf({ ...jwt('c:'), anonymous: { enabled: true } }));
  await sleep(300);
  assert.equal((await who(server, renewed)).username, 'a:ann', 'a change of the anonymous part is not taken');
  await writeFile(configFile, fileOf(jwt('b:')));
  await eventually('the changed file', async () => assert.equal((await who(server, renewed)).username, 'b:ann'));
});

test('groups that lie elsewhere are fetched', async (t) => {
  const folder = await folderOf(t);
  await using issuer = await startIssuer();
  const key = rsa('1', 'RS256');
  issuer.keys.push(key);
  const base = { iss: issuer.url, aud: 'knarr', sub: 'ann' };
  issuer.answers.set('/groups', tokenOf(key, { ...base, groups: ['far'] }));
  const configFile = join(folder, 'authentication.json');
  const issuerOf = { url: issuer.url, audiences: ['knarr'], certificateAuthority: issuer.ca };
  const claimMappings = { username: { claim: 'sub', prefix: '' }, groups: { claim: 'groups', prefix: '' } };
  await writeFile(configFile, fileOf({ jwt: [{ issuer: issuerOf, claimMappings }] }));
  await using server = await startServer({
    store: 'memory',
    logLevel: 'error',
    more: { authentication: { configFile } },
  });
  const sources = (endpoint: string): object => ({
    ...base,
    _claim_names: { groups: 's' },
    _claim_sources: { s: { endpoint, access_token: 'T' } },
  });
  const user = await known(server, tokenOf(key, sources(`${issuer.url}/groups`)));
  assert.deepEqual(user.groups, ['far', 'system:authenticated']);
  assert.equal(issuer.asked.find(({ path }) => path === '/groups')?.headers.authorization, 'Bearer T');
  assert.match(
    await whyNot(server, tokenOf(key, sources(`${issuer.url}/none`))),
    /oidc: could not expand distributed claims: while getting distributed claim "groups": error while getting distributed claim JWT: 404/,
  );
});
