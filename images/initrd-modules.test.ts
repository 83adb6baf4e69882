import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moduleFiles } from './initrd-modules.ts';

test('modules come with what they need; what the kernel has built in is left out', () => {
  const dep =
    'kernel/fs/erofs/erofs.ko.xz: kernel/lib/libcrc32c.ko.xz\nkernel/lib/libcrc32c.ko.xz:\nkernel/drivers/virtio_blk.ko:\n';
  assert.deepStrictEqual(
    moduleFiles({ dep, builtin: 'kernel/fs/ext4/ext4.ko\n' }, ['erofs', 'ext4', 'virtio-blk', 'nonesuch']),
    ['kernel/drivers/virtio_blk.ko', 'kernel/fs/erofs/erofs.ko.xz', 'kernel/lib/libcrc32c.ko.xz'],
  );
  assert.throws(() => moduleFiles({ dep: '', builtin: '' }, ['erofs']), /has no module erofs/);
});

test('a folder stands for all modules in it, and for what they need', () => {
  const dep =
    'kernel/drivers/net/phy/a.ko: kernel/lib/x.ko\nkernel/lib/x.ko:\nkernel/drivers/net/y.ko:\nkernel/fs/erofs/erofs.ko:\n';
  assert.deepStrictEqual(moduleFiles({ dep, builtin: '' }, ['drivers/net/phy']), [
    'kernel/drivers/net/phy/a.ko',
    'kernel/lib/x.ko',
  ]);
});

test('what a module asks the kernel for when it starts comes along, whatever it is called', () => {
  const tables = {
    dep: 'kernel/fs/erofs/erofs.ko: kernel/lib/libcrc32c.ko\nkernel/lib/libcrc32c.ko:\nkernel/crypto/crc32c_generic.ko:\nkernel/crypto/crc32c-intel.ko:\nkernel/other.ko:\n',
    builtin: '',
    softdep: '# comment\nsoftdep libcrc32c pre: crc32c\nsoftdep other pre: erofs\n',
    alias: 'alias crc32c crc32c_intel\nalias crc32c crc32c_generic\nalias crypto-other other\n',
  };
  assert.deepStrictEqual(moduleFiles(tables, ['erofs']), [
    'kernel/crypto/crc32c-intel.ko',
    'kernel/crypto/crc32c_generic.ko',
    'kernel/fs/erofs/erofs.ko',
    'kernel/lib/libcrc32c.ko',
  ]);
});
