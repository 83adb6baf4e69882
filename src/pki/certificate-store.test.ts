import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureAuthority, ensureLeaf, namesOf } from './certificate-store.ts';
import { nodeLeaves } from './cluster-certificates.ts';
import { publicKeyInfo } from './keys.ts';

test('leaves are kept while good, extended when a name is missing, renewed before their end', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-pki-'));
  t.after(() => rm(folder, { recursive: true }));
  const issuer = await ensureAuthority(folder, 'server-ca');
  assert.equal((await ensureAuthority(folder, 'server-ca')).certificate, issuer.certificate);
  const row = nodeLeaves('a').find((leaf) => leaf.name === 'serving-kubelet');
  assert.ok(row);
  const ensure = (alternativeNames: string[], now = new Date()) =>
    ensureLeaf({ folder, row, issuer, alternativeNames, now });

  const first = await ensure(['a', '10.0.0.1']);
  assert.equal(first.renewed, 'it was not there');
  assert.equal((await stat(join(folder, 'serving-kubelet.key'))).mode & 0o777, 0o600);
  assert.equal((await ensure(['a'])).renewed, undefined);
  const extended = await ensure(['b']);
  assert.equal(extended.renewed, 'it lacks b');
  assert.deepEqual(namesOf(extended.pair.certificate).sort(), ['10.0.0.1', 'a', 'b']);
  assert.deepEqual(publicKeyInfo(extended.pair.key), publicKeyInfo(first.pair.key));
  const later = await ensure(['a'], new Date(Date.now() + 300 * 86_400_000));
  assert.match(later.renewed ?? '', /^it ends /);
});
