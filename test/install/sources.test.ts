import assert from 'node:assert/strict';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Host } from '../../cloud-config/host.ts';
import { hostArch } from '../../images/tools/paths.ts';
import { type InstallSource, openInstallSource } from '../../os/install/source.ts';
import { run } from '../../src/base/run.ts';
import { testFolder } from '../harness/folder.ts';
import { type FakeUpdate, fakeUpdate, folderHost } from './fake-machine.ts';
import { serve } from './serve.ts';

let folder: string;
let host: Host;
let update: FakeUpdate;

before(async () => {
  folder = await testFolder('sources');
  host = folderHost(folder);
  update = await fakeUpdate(host, '1.0');
  await mkdir(host.path('/proc'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function opened(from?: string): Promise<InstallSource> {
  const scratch = host.path('/scratch');
  await rm(scratch, { recursive: true, force: true });
  const source = await openInstallSource({
    ...{ host, arch: hostArch, from, scratch, keyFolders: [update.keys], say: () => {} },
  });
  assert.equal(source.manifest.version, '1.0');
  return source;
}

test('a folder, and the medium that a machine was started from, are used where they lie', async () => {
  assert.equal((await opened(update.folder)).root, join(update.folder, 'root.img'));
  const medium = host.path('/run/knarr/medium/knarr');
  await cp(update.folder, medium, { recursive: true });
  const source = await opened();
  assert.deepStrictEqual([source.root, source.uki], [join(medium, 'root.img'), join(medium, 'knarr.efi')]);
  await rm(medium, { recursive: true });
});

test('an archive, and a folder on a web server, are fetched', async () => {
  const archive = host.path('/update.tar');
  await run('tar', ['-C', update.folder, '-cf', archive, ...(await readdir(update.folder))]);
  assert.equal((await opened(archive)).root, host.path('/scratch/root.img'));
  const server = await serve(update.folder);
  try {
    assert.equal((await opened(`${server.base}/`)).uki, host.path('/scratch/knarr.efi'));
    assert.deepStrictEqual(server.asked().sort(), ['knarr.efi', 'manifest.json', 'manifest.json.sig', 'root.img']);
  } finally {
    await server.close();
  }
});

test('a machine that was started over the network has its root already, and fetches the rest from the same place', async () => {
  const server = await serve(update.folder);
  const medium = host.path('/run/knarr/medium/knarr');
  await mkdir(medium, { recursive: true });
  await cp(join(update.folder, 'root.img'), join(medium, 'root.img'));
  await writeFile(host.path('/proc/cmdline'), `root=${server.base}/root.img roothash=x knarr.mode=install\n`);
  try {
    assert.equal((await opened()).root, join(medium, 'root.img'));
    assert.deepStrictEqual(server.asked().sort(), ['knarr.efi', 'manifest.json', 'manifest.json.sig']);
  } finally {
    await server.close();
    await rm(host.path('/proc/cmdline'));
    await rm(medium, { recursive: true });
  }
});

test('a machine that was started from neither says what to name', async () => {
  await mkdir(host.path('/proc/self'));
  await writeFile(host.path('/proc/self/mountinfo'), '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n');
  await assert.rejects(opened(), /there is nothing here to install: name an update with --source/);
  await assert.rejects(opened('/nowhere'), /is no update: name a folder/);
});
