import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKernelArguments } from '../../cloud-config/kernel-arguments.ts';
import { disksOf } from './disks.ts';
import { parseRequest, requestOf } from './request.ts';

test('every k3os.install argument of the kernel becomes part of the request', () => {
  const { config, problems } = parseKernelArguments(
    'k3os.mode=install k3os.install.silent k3os.install.device=/dev/vda k3os.install.config_url=https://h/c.yaml k3os.install.iso_url=https://h/k.iso k3os.install.force_efi k3os.install.no_format=true k3os.install.tty=ttyS1 k3os.install.debug k3os.install.power_off k3os.install.force',
  );
  assert.deepStrictEqual(problems, []);
  assert.deepStrictEqual(requestOf(config.k3os?.install), {
    device: '/dev/vda',
    config: 'https://h/c.yaml',
    source: 'https://h/k.iso',
    silent: true,
    force: true,
    keepVar: true,
    forceEfi: true,
    tty: 'ttyS1',
    afterwards: 'power-off',
    debug: true,
  });
});

test('the command line says more than the configuration', () => {
  const request = parseRequest(['--config=/tmp/c.yaml', '--force', '/dev/sdb'], { device: '/dev/sda', silent: true });
  assert.deepStrictEqual(
    [request.device, request.config, request.force, request.silent, request.afterwards],
    ['/dev/sdb', '/tmp/c.yaml', true, true, 'reboot'],
  );
  assert.throws(() => parseRequest(['--device']), /flag needs an argument: --device/);
  assert.throws(() => parseRequest(['--formt']), /flag provided but not defined: --formt/);
  // a mistake here costs a disk
  assert.throws(() => parseRequest(['/dev/sda', '/dev/sdb']), /one disk at a time: \/dev\/sda and \/dev\/sdb/);
  assert.throws(() => parseRequest(['--device=/dev/sda', 'false']), /one disk at a time/);
  assert.throws(() => parseRequest(['--force=false']), /flag takes no value: --force=false/);
});

test('disks that are in use, too small or read-only say so; what is on the others is named', () => {
  const GiB = 2 ** 30;
  const disk = (path: string, more: object): never =>
    ({ path, type: 'disk', size: 8 * GiB, ro: false, ...more }) as never;
  const part = (path: string, more: object): object => ({ path, type: 'part', size: GiB, ro: false, ...more });
  const disks = disksOf([
    disk('/dev/sda', { model: 'Disk ', tran: 'sata', children: [part('/dev/sda1', { mountpoints: ['/boot'] })] }),
    disk('/dev/sdb', { children: [part('/dev/sdb1', { children: [{ path: '/dev/md0', type: 'raid1', size: 1 }] })] }),
    disk('/dev/sdc', { children: [part('/dev/sdc1', { fstype: 'ext4', label: 'data', mountpoints: [null] })] }),
    disk('/dev/sdd', { size: GiB }),
    disk('/dev/sde', { ro: true }),
    disk('/dev/vda', { pttype: 'gpt' }),
    disk('/dev/nvme0n1', {}),
    disk('/dev/zram0', {}),
    { path: '/dev/sr0', type: 'rom', size: GiB, ro: false },
  ]);
  assert.deepStrictEqual(
    disks.map(({ path, unusable, contents }) => [path, unusable ?? contents.join(', ')]),
    [
      ['/dev/sda', 'in use: /dev/sda1 is mounted on /boot'],
      ['/dev/sdb', 'in use: /dev/md0 (raid1) is made of it'],
      ['/dev/sdc', 'ext4 "data"'],
      ['/dev/sdd', 'too small: it has 1 GiB, at least 1.7 GiB are needed'],
      ['/dev/sde', 'it cannot be written to'],
      ['/dev/vda', 'a partition table (gpt)'],
      ['/dev/nvme0n1', ''],
    ],
  );
  assert.equal(disks[0]?.description, 'Disk sata');
});
