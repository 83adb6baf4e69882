import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTar, type TarEntry, writeTar } from './tar.ts';

test('what is written is read back, paths over 100 bytes too', () => {
  const long = `${'d'.repeat(90)}/${'f'.repeat(60)}`;
  const entries: TarEntry[] = [
    { type: 'directory', path: 'bin/', mode: 0o755, uid: 0, gid: 0, mtime: 0 },
    { type: 'file', path: 'bin/sh', data: Buffer.from('x'.repeat(700)), mode: 0o755, uid: 1, gid: 2, mtime: 3 },
    { type: 'symlink', path: 'bin/ash', target: 'sh', uid: 0, gid: 0, mtime: 0 },
    { type: 'file', path: long, data: Buffer.from(''), mode: 0o600, uid: 0, gid: 0, mtime: 0 },
  ];
  assert.deepStrictEqual(readTar(writeTar(entries)), entries);
});

test('a path that ustar cannot hold is refused', () => {
  assert.throws(() => writeTar([{ type: 'directory', path: 'x'.repeat(120) }]), /path too long/);
});
