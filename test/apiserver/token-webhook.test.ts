import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { testFolder } from '../harness/folder.ts';
import { startHttpsService } from './https-service.ts';
import { startServer, type TestServer } from './start-server.ts';

const users = { good: { username: 'ann', uid: '7', groups: ['dev'], extra: { 'example.org/a': ['b'] } } };

for (const version of ['v1', 'v1beta1'] as const)
  test(`tokens are reviewed by a webhook that speaks ${version}, and answers are kept`, async (t) => {
    const folder = await testFolder('token-webhook');
    t.after(() => rm(folder, { recursive: true, force: true }));
    await using hook = await startHttpsService(({ body }) => {
      const user = users[body.spec.token as keyof typeof users];
      const status = user
        ? { authenticated: true, user }
        : body.spec.token === 'broken'
          ? { authenticated: false, error: 'I will not' }
          : { authenticated: false };
      return { apiVersion: body.apiVersion, kind: body.kind, status };
    });
    const tokenFile = join(folder, 'tokens.csv');
    await writeFile(tokenFile, 'fixed,bob,8,"ops,dev"\n');
    const kubeconfig = await hook.kubeconfig(join(folder, 'hook.kubeconfig'), '/review');
    await using server = await startServer({
      store: 'memory',
      more: { authentication: { tokenFile, webhook: { kubeconfig, version, cacheTtlMs: 60_000 } } },
    });
    const review = async (of: TestServer, spec: object) =>
      (await of.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec } })).body.status;

    assert.deepEqual(await review(server, { token: 'good' }), {
      authenticated: true,
      user: { ...users.good, groups: ['dev', 'system:authenticated'] },
      audiences: ['https://kubernetes.default.svc.cluster.local'],
    });
    assert.deepEqual(await review(server, { token: 'broken' }), {
      user: {},
      error: '[invalid bearer token, I will not]',
    });
    assert.deepEqual(await review(server, { token: 'other' }), { user: {}, error: 'invalid bearer token' });
    assert.equal((await server.ask('GET', '/version', { token: 'good' })).status, 200);
    assert.equal((await server.ask('GET', '/version', { token: 'other' })).status, 401);
    assert.deepEqual(
      hook.asked.map(({ path, body }) => [path, body.apiVersion, body.spec.token]),
      ['good', 'broken', 'other'].map((token) => ['/review?timeout=30s', `authentication.k8s.io/${version}`, token]),
    );
    assert.deepEqual(await review(server, { token: 'fixed', audiences: ['elsewhere'] }), {
      user: {},
      error: 'invalid bearer token',
    });
    const fixed = await review(server, { token: 'fixed' });
    assert.deepEqual([fixed.user.username, fixed.user.groups], ['bob', ['ops', 'dev', 'system:authenticated']]);
  });
