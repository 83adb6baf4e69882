import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createCgroups, detectCgroups, slicesOf } from './cgroups.ts';
import { parseMountInfo } from './mounts.ts';

test('a mixed layout with the memory controller in version 1 counts as version 1', async () => {
  const text = [
    '30 20 0:25 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct',
    '31 20 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    '32 20 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  ].join('\n');
  assert.deepStrictEqual(await detectCgroups(text), {
    version: 1,
    mounts: {
      cpu: '/sys/fs/cgroup/cpu',
      cpuacct: '/sys/fs/cgroup/cpu',
      memory: '/sys/fs/cgroup/memory',
      unified: '/sys/fs/cgroup/unified',
    },
  });
});

test('the unified layout alone is version 2', async () => {
  const found = await detectCgroups('32 20 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate');
  assert.deepStrictEqual(found, { version: 2, mounts: { unified: '/sys/fs/cgroup' } });
});

test('slices nest by dashes, dashes in a step are escaped', () => {
  assert.deepStrictEqual(slicesOf('/kubepods/besteffort/pod1-2'), [
    'kubepods.slice',
    'kubepods-besteffort.slice',
    'kubepods-besteffort-pod1_2.slice',
  ]);
});

test('version 2: controllers are handed down, limits written, the tree removed', async () => {
  const root = await mkdtemp(join(tmpdir(), 'knarr-cgroup-'));
  try {
    await writeFile(join(root, 'cgroup.controllers'), 'cpu memory pids rdma');
    const cgroups = createCgroups({ hierarchy: { version: 2, mounts: { unified: root } }, driver: 'cgroupfs' });
    await cgroups.ensure('/kubepods/pod1', { cpuShares: 1024, cpuQuota: 50_000, memoryLimit: 4096 });
    const folder = join(root, 'kubepods/pod1');
    const read = async (name: string) => readFile(join(folder, name), 'utf8');
    assert.deepStrictEqual(
      [await read('cpu.weight'), await read('cpu.max'), await read('memory.max')],
      ['39', '50000 100000', '4096'],
    );
    assert.deepStrictEqual(await cgroups.children('/kubepods'), ['pod1']);
    for (const name of await readdir(folder)) await rm(join(folder, name));
    await mkdir(join(folder, 'container'));
    assert.equal(await cgroups.remove('/kubepods/pod1'), true);
    assert.deepStrictEqual(await cgroups.children('/kubepods'), []);
  } finally {
    await rm(root, { recursive: true });
  }
});

test('a mount line is read with its escapes and propagation', () => {
  const [mount] = parseMountInfo(
    '36 35 98:0 /mnt1 /mnt\\0402 rw,noatime shared:1 - ext3 /dev/root rw,errors=continue\n',
  );
  assert.deepStrictEqual(mount, {
    root: '/mnt1',
    target: '/mnt 2',
    options: ['rw', 'noatime', 'rw', 'errors=continue'],
    propagation: ['shared:1'],
    fsType: 'ext3',
    source: '/dev/root',
  });
});
