import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OciImage, writeOciArchive } from './oci-archive.ts';
import { readTar } from './tar.ts';

test('every blob lies under its digest and the index names the image', async () => {
  const { createHash } = await import('node:crypto');
  const image: OciImage = {
    name: 'example.test/busybox:1',
    architecture: 'amd64',
    files: [{ type: 'file', path: 'bin/sh', data: Buffer.from('binary'), mode: 0o755 }],
    cmd: ['/bin/sh'],
  };
  const entries = readTar(writeOciArchive([image]));
  const files = new Map(entries.flatMap((e) => (e.type === 'file' ? [[e.path, Buffer.from(e.data)] as const] : [])));
  for (const [path, data] of files)
    if (path.startsWith('blobs/'))
      assert.equal(path, `blobs/sha256/${createHash('sha256').update(data).digest('hex')}`);
  const index = JSON.parse(String(files.get('index.json')));
  assert.equal(index.manifests[0].annotations['io.containerd.image.name'], 'example.test/busybox:1');
  const manifest = JSON.parse(String(files.get(`blobs/sha256/${index.manifests[0].digest.slice(7)}`)));
  assert.equal(manifest.layers.length, 1);
  assert.deepStrictEqual(writeOciArchive([image]), writeOciArchive([image]));
});
