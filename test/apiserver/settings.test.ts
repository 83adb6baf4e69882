import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { generateKey, keyToPem } from '../../src/pki/keys.ts';
import { startServer, type TestServer } from './start-server.ts';

const podOf = (more: object = {}): object => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'a', image: 'x:1', imagePullPolicy: 'IfNotPresent' }], ...more },
});

const ready = async (server: TestServer): Promise<void> => {
  const account = '/api/v1/namespaces/default/serviceaccounts';
  await server.ask('POST', account, { body: { metadata: { name: 'default' } } });
};

test('admission: what is asked for is added, what is left out does nothing, defaults are set', async () => {
  await using server = await startServer({
    store: 'memory',
    more: {
      admission: {
        with: ['AlwaysPullImages', 'DenyServiceExternalIPs'],
        without: ['ServiceAccount'],
        tolerationSeconds: { notReady: 30 },
        podSecurity: {
          defaults: { enforce: 'baseline' },
          versions: {},
          exempt: { usernames: [], runtimeClasses: [], namespaces: ['kube-system'] },
        },
      },
    },
  });
  const made = await server.ask('POST', '/api/v1/namespaces/default/pods', { body: podOf() });
  assert.equal(made.status, 201, made.body.message);
  const { containers, tolerations, serviceAccountName } = made.body.spec;
  assert.equal(containers[0].imagePullPolicy, 'Always');
  assert.deepEqual(
    tolerations.map((t: { tolerationSeconds: number }) => t.tolerationSeconds),
    [30, 300],
  );
  assert.equal(serviceAccountName, undefined);
  const host = podOf({ hostNetwork: true });
  assert.match(
    (await server.ask('POST', '/api/v1/namespaces/default/pods', { body: host })).body.message,
    /violates PodSecurity "baseline:latest": host namespaces \(hostNetwork=true\)/,
  );
  assert.equal((await server.ask('POST', '/api/v1/namespaces/kube-system/pods', { body: host })).status, 201);
  const service = { metadata: { name: 's' }, spec: { ports: [{ port: 80 }], externalIPs: ['192.0.2.5'] } };
  assert.match(
    (await server.ask('POST', '/api/v1/namespaces/default/services', { body: service })).body.message,
    /Use of external IPs is denied by admission control\.$/,
  );
});

test('tokens are shortened, keys are elsewhere, and TLS is as new as it is asked to be', async () => {
  await using server = await startServer({
    store: 'memory',
    more: {
      tls: { minVersion: 'TLSv1.3' },
      requests: { inFlight: 10, timeoutMs: 5000 },
      serviceAccounts: {
        signingKey: keyToPem(await generateKey()),
        issuers: ['https://first.example', 'https://second.example'],
        jwksUri: 'https://keys.example/jwks',
        maxExpirationSeconds: 900,
      },
    },
  });
  await ready(server);
  const refused = await new Promise<string>((resolve) => {
    const socket = connect(
      { host: '127.0.0.1', port: server.server.port, ca: server.ca, maxVersion: 'TLSv1.2' },
      () => {
        resolve('taken');
        socket.destroy();
      },
    );
    socket.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
  });
  assert.equal(refused, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  const token = await server.ask('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', {
    body: { spec: { expirationSeconds: 7200 } },
  });
  assert.equal(token.body.spec.expirationSeconds, 900);
  const document = await server.ask('GET', '/.well-known/openid-configuration');
  assert.deepEqual(
    [document.body.issuer, document.body.jwks_uri],
    ['https://first.example', 'https://keys.example/jwks'],
  );
});
