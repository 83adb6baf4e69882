import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import type { Host } from '../../cloud-config/host.ts';
import { hostArch } from '../../images/tools/paths.ts';
import { firmwareName } from '../../os/disk/esp-tree.ts';
import { readPartitions } from '../../os/disk/gpt.ts';
import { testFolder } from '../harness/folder.ts';
import { emptyDisk, type FakeUpdate, fakeUpdate, folderHost, skip, withMounted } from './fake-machine.ts';
import { keys, openTerminal, type Terminal } from './terminal.ts';

let folder: string;
let host: Host;
let update: FakeUpdate;

before(async () => {
  folder = await testFolder('questions');
  host = folderHost(folder);
  update = await fakeUpdate(host, '1.0');
  await cp(update.keys, host.path('/usr/lib/knarr/update-keys'), { recursive: true });
  await mkdir(host.path('/usr/lib/knarr/efi'), { recursive: true });
  await writeFile(join(host.path('/usr/lib/knarr/efi'), firmwareName[hostArch]), 'the boot loader');
  await mkdir(host.path('/proc/self'), { recursive: true });
  await writeFile(host.path('/proc/cmdline'), 'quiet k3os.labels[a]=b\n');
  for (const port of ['eth0', 'eth1', 'lo']) await mkdir(host.path(`/sys/class/net/${port}`), { recursive: true });
});
after(() => rm(folder, { recursive: true, force: true }));

const installer = (disk: string): Terminal =>
  openTerminal(process.execPath, [
    join(import.meta.dirname, 'installer.ts'),
    folder,
    ...['--force-efi', '--source', update.folder, '--device', disk],
  ]);

test('a person answers, changes an answer in the review, and gets what was answered on the disk', {
  skip,
}, async () => {
  const disk = await emptyDisk(host, 'disk.img');
  const terminal = installer(disk);
  const answer = async (question: RegExp, text: string): Promise<void> => {
    await terminal.see(question);
    terminal.type(`${text}${keys.enter}`);
  };
  try {
    await terminal.see(/Which disk\?/);
    await terminal.see(/disk\.img +3 GiB +file; empty/);
    await terminal.see(/\/dev\/vda +8 GiB +in use: \/dev\/vda1 is mounted on \/boot/);
    terminal.type(keys.enter);
    await answer(/Where does its configuration come from\?/, '');
    await answer(/What shall the machine be\?/, keys.down);
    await answer(/URL of the server/, 'server:6443');
    await terminal.see(/must be a URL that begins with https/);
    terminal.type('\u0015https://10.0.0.1:6443\r');
    await answer(/Its token/, 'K10secret');
    await answer(/How does it get its address\?/, keys.down);
    await answer(/On which port\?/, keys.down);
    await answer(/Address with the length of its prefix/, '10.0.0.5');
    await terminal.see(/must be an address with its prefix/);
    terminal.type('/24\r');
    await answer(/Gateway/, '10.0.0.254');
    await answer(/Name servers/, '9.9.9.9 1.1.1.1');
    await answer(/Host name/, 'node-5');
    await answer(/An ssh key/, 'github:octocat');
    await answer(/One more key/, '');
    await answer(/Password of rancher/, 'pass word');
    await answer(/The password again/, 'pass word');
    await terminal.see(/This is what will be installed/);
    await terminal.see(/role +agent of https:\/\/10\.0\.0\.1:6443[\s\S]*eth1 10\.0\.0\.5\/24 via 10\.0\.0\.254/);
    await terminal.see(/Change: host name/);
    terminal.type(keys.down.repeat(5) + keys.enter);
    await answer(/Host name/, '-');
    await terminal.see(/letters, digits/);
    terminal.type('c\r');
    await terminal.see(/host name +node-5-c/);
    await answer(/Go on\?/, '');
    await answer(/And then\?/, keys.down.repeat(2));
    await terminal.see(/Knarr 1\.0 is on \/disk\.img/, 60_000);
    assert.equal(await terminal.ended, 0);
  } finally {
    terminal.close();
  }
  const { partitions } = await readPartitions(host.path(disk));
  const kept = partitions.find(({ label }) => label === 'var');
  assert.ok(kept);
  const text = await withMounted(host, disk, kept, { type: 'ext4' }, (from) =>
    readFile(join(from, 'lib/rancher/k3os/config.yaml'), 'utf8'),
  );
  const { k3os, ...rest } = parse(text);
  assert.match(k3os.password, /^\$6\$/);
  delete k3os.password;
  assert.deepStrictEqual(
    { ...rest, k3os },
    {
      hostname: 'node-5-c',
      ssh_authorized_keys: ['github:octocat'],
      network: {
        ethernets: {
          eth1: {
            addresses: ['10.0.0.5/24'],
            routes: [{ to: 'default', via: '10.0.0.254' }],
            nameservers: { addresses: ['9.9.9.9', '1.1.1.1'] },
          },
        },
      },
      k3os: { labels: { a: 'b' }, server_url: 'https://10.0.0.1:6443', token: 'K10secret' },
    },
  );
});

test('a person who goes away leaves the disk as it was', { skip }, async () => {
  const disk = await emptyDisk(host, 'left.img');
  const terminal = installer(disk);
  try {
    await terminal.see(/Which disk\?/);
    terminal.type(keys.cancel);
    await terminal.see(/nothing was changed/);
    assert.equal(await terminal.ended, 1);
  } finally {
    terminal.close();
  }
  await assert.rejects(readPartitions(host.path(disk)), { code: 'no-partition-table' });
});
