import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { KnarrError } from '../../base/errors.ts';
import { createPaths } from '../paths.ts';
import type { EncryptionRequest } from '../secrets-encryption.ts';
import { localSupervisor } from './supervisor-client.ts';
import { startSupervisor } from './testing.ts';

test('a server’s own token changes the keys of Secrets, an agent’s does not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-supervisor-'));
  t.after(() => rm(folder, { recursive: true }));
  const asked: EncryptionRequest[] = [];
  await using supervisor = await startSupervisor(
    { server: 'secret-of-servers', agent: 'secret-of-agents' },
    {
      status: () => ({ stage: 'start', activekey: 'AES-CBC aescbckey', enable: true, hashmatch: true }),
      async change(request) {
        if (request.stage === 'rotate')
          throw new KnarrError({ code: 'secrets-encrypt', blame: 'user', message: 'incorrect stage' });
        asked.push(request);
      },
    },
  );
  const paths = createPaths(folder);
  await assert.rejects(localSupervisor({ paths, server: supervisor.url, token: undefined }), /there is no token at/);
  await writeFileAtomic(join(paths.server.tls, 'server-ca.crt'), supervisor.authorities['server-ca'].certificate);
  await writeFile(paths.server.token, `${supervisor.token('server', 'secret-of-servers')}\n`);
  const client = await localSupervisor({ paths, server: supervisor.url, token: undefined });
  assert.equal(JSON.parse(await client.get('/v1-k3s/encrypt/status')).activekey, 'AES-CBC aescbckey');
  await client.put('/v1-k3s/encrypt/config', { enable: false });
  assert.deepEqual(asked, [{ enable: false }]);
  await assert.rejects(client.put('/v1-k3s/encrypt/config', { stage: 'rotate' }), /: incorrect stage$/);
  const agent = supervisor.token('node', 'secret-of-agents');
  const other = await localSupervisor({ paths, server: supervisor.url, token: agent });
  await assert.rejects(other.get('/v1-k3s/encrypt/status'), /Unauthorized/);
});
