import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decodeContent } from './write-files.ts';

const zipped = gzipSync('hello').toString('base64');
for (const [name, content, encoding] of [
  ['plain text', 'hello', undefined],
  ['base64', 'aGVsbG8=', 'b64'],
  ['gzip in base64', zipped, 'gz+b64'],
  ['gzip in base64, named the other way round', zipped, 'b64+gz'],
] as const) {
  test(`content given as ${name}`, async () => {
    assert.equal((await decodeContent(content, encoding)).toString(), 'hello');
  });
}

test('an unknown encoding is refused by its name', async () => {
  await assert.rejects(decodeContent('x', 'rot13'), /unknown encoding "rot13"/);
});
