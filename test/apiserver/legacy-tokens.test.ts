import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signJwt, tokenKey } from '../../src/apiserver/authn/jwt.ts';
import { generateKey, keyToPem } from '../../src/pki/keys.ts';
import { startServer } from './start-server.ts';

test('a token that lies in a secret is good until it is marked, and its use is noted', async () => {
  const signingKey = keyToPem(await generateKey());
  await using server = await startServer({
    store: 'memory',
    more: { serviceAccounts: { signingKey, issuers: ['https://kubernetes.default.svc.cluster.local'] } },
  });
  const account = await server.ask('POST', '/api/v1/namespaces/default/serviceaccounts', {
    body: { metadata: { name: 'robot' } },
  });
  const token = signJwt(tokenKey(signingKey), {
    iss: 'kubernetes/serviceaccount',
    'kubernetes.io/serviceaccount/namespace': 'default',
    'kubernetes.io/serviceaccount/secret.name': 'robot-token',
    'kubernetes.io/serviceaccount/service-account.name': 'robot',
    'kubernetes.io/serviceaccount/service-account.uid': account.body.metadata.uid,
    sub: 'system:serviceaccount:default:robot',
  });
  const path = '/api/v1/namespaces/default/secrets/robot-token';
  await server.ask('POST', '/api/v1/namespaces/default/secrets', {
    body: { metadata: { name: 'robot-token' }, data: { token: Buffer.from(token).toString('base64') } },
  });

  const review = async () =>
    (
      await server.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
      })
    ).body.status;
  assert.equal((await review()).user.username, 'system:serviceaccount:default:robot');
  const noted = (await server.ask('GET', path)).body;
  const used = noted.metadata.labels['kubernetes.io/legacy-token-last-used'];
  assert.match(used, /^\d{4}-\d{2}-\d{2}$/);

  noted.metadata.labels['kubernetes.io/legacy-token-invalid-since'] = used;
  assert.equal((await server.ask('PUT', path, { body: noted })).status, 200);
  const after = await review();
  assert.equal(after.authenticated, undefined);
  assert.match(after.error, /robot-token for service account default\/robot has been marked invalid/);
});
