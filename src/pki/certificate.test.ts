import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { createAuthority, issueLeaf } from './certificate.ts';
import { generateKey, generateRsaKey, keyToPem } from './keys.ts';

test('a leaf is issued by its authority, for its names, with its subject', async () => {
  const issuer = await createAuthority('test-ca');
  const key = await generateKey();
  const leaf = new X509Certificate(
    issueLeaf({
      issuer,
      publicKey: key,
      subject: { commonName: 'system:node:a', organizations: ['system:nodes', 'more'] },
      usages: ['client', 'server'],
      alternativeNames: ['a.example', '10.0.0.1', 'fd00::1'],
    }),
  );
  const authority = new X509Certificate(issuer.certificate);
  assert.equal(authority.ca, true);
  assert.equal(leaf.ca, false);
  assert.ok(leaf.checkIssued(authority));
  assert.ok(leaf.verify(authority.publicKey));
  assert.ok(leaf.checkPrivateKey(key));
  assert.equal(leaf.subject, 'O=system:nodes\nO=more\nCN=system:node:a');
  assert.equal(leaf.subjectAltName, 'DNS:a.example, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1');
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
});

test('a leaf never outlives its authority', async () => {
  const issuer = await createAuthority('test-ca', new Date(Date.now() - 3600 * 86_400_000));
  const leaf = issueLeaf({ issuer, publicKey: await generateKey(), subject: { commonName: 'x' }, usages: ['client'] });
  assert.equal(new X509Certificate(leaf).validTo, new X509Certificate(issuer.certificate).validTo);
});

test('an RSA authority signs too', async () => {
  const key = await generateRsaKey();
  const base = await createAuthority('ec');
  const leaf = new X509Certificate(
    issueLeaf({ issuer: base, publicKey: key, subject: { commonName: 'rsa' }, usages: ['server'] }),
  );
  assert.ok(leaf.verify(new X509Certificate(base.certificate).publicKey));
});

test('mutual TLS with these certificates tells the server who the client is', async () => {
  const issuer = await createAuthority('test-ca');
  const leaf = async (commonName: string, usage: 'client' | 'server'): Promise<{ cert: string; key: string }> => {
    const key = await generateKey();
    const names = usage === 'server' ? ['127.0.0.1', 'localhost'] : [];
    const cert = issueLeaf({
      issuer,
      publicKey: key,
      subject: { commonName, organizations: ['one', 'two'] },
      usages: [usage],
      alternativeNames: names,
    });
    return { cert, key: keyToPem(key) };
  };
  const seen = Promise.withResolvers<unknown>();
  const server = createServer(
    { ...(await leaf('server', 'server')), ca: issuer.certificate, requestCert: true, rejectUnauthorized: true },
    (socket) => {
      const { subject } = socket.getPeerCertificate();
      seen.resolve({ ...subject });
      socket.end();
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const socket: TLSSocket = connect({
    port,
    host: '127.0.0.1',
    ca: issuer.certificate,
    ...(await leaf('client', 'client')),
  });
  socket.resume();
  assert.deepEqual(await seen.promise, { O: ['one', 'two'], CN: 'client' });
  await new Promise((resolve) => server.close(resolve));
});
