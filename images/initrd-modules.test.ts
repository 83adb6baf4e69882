import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moduleFiles } from './initrd-modules.ts';

test('modules come with what they need; what the kernel has built in is left out', () => {
  const dep =
    'kernel/fs/erofs/erofs.ko.xz: kernel/lib/libcrc32c.ko.xz\nkernel/lib/libcrc32c.ko.xz:\nkernel/drivers/virtio_blk.ko:\n';
  assert.deepStrictEqual(moduleFiles(dep, 'kernel/fs/ext4/ext4.ko\n', ['erofs', 'ext4', 'virtio-blk', 'nonesuch']), [
    'kernel/drivers/virtio_blk.ko',
    'kernel/fs/erofs/erofs.ko.xz',
    'kernel/lib/libcrc32c.ko.xz',
  ]);
  assert.throws(() => moduleFiles('', '', ['erofs']), /has no module erofs/);
});

test('a folder stands for all modules in it, and for what they need', () => {
  const dep =
    'kernel/drivers/net/phy/a.ko: kernel/lib/x.ko\nkernel/lib/x.ko:\nkernel/drivers/net/y.ko:\nkernel/fs/erofs/erofs.ko:\n';
  assert.deepStrictEqual(moduleFiles(dep, '', ['drivers/net/phy']), ['kernel/drivers/net/phy/a.ko', 'kernel/lib/x.ko']);
});
