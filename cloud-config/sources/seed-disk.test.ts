import assert from 'node:assert/strict';
import { test } from 'node:test';
import { volumeLabel } from './seed-disk.ts';

function head(parts: Record<number, string>): Buffer {
  const buffer = Buffer.alloc(34816);
  for (const [offset, text] of Object.entries(parts)) buffer.write(text, Number(offset), 'latin1');
  return buffer;
}

test('the label of a volume: ISO 9660, FAT16, FAT32, ext4, none', () => {
  assert.deepStrictEqual(
    [
      volumeLabel(head({ 32769: 'CD001', 32808: 'cidata'.padEnd(32) })),
      volumeLabel(head({ 43: 'CIDATA     ', 54: 'FAT12   ' })),
      volumeLabel(head({ 71: 'CIDATA     ', 82: 'FAT32   ' })),
      volumeLabel(head({ 1080: '\x53\xef', 1144: 'config-2' })),
      volumeLabel(head({})),
    ],
    ['cidata', 'CIDATA', 'CIDATA', 'config-2', ''],
  );
});
