import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Payload, writePayload } from './atomic-writer.ts';

const payload = (files: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]));

test('files appear through ..data, change together and go when they are no longer wanted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-atomic-'));
  try {
    assert.equal(await writePayload(folder, payload({ a: '1', 'deep/b': '2' })), true);
    assert.equal(await readFile(join(folder, 'deep/b'), 'utf8'), '2');
    assert.equal(await readlink(join(folder, 'a')), '..data/a');
    const first = await readlink(join(folder, '..data'));
    assert.equal(await writePayload(folder, payload({ a: '1', 'deep/b': '2' })), false, 'the same again');
    assert.equal(await writePayload(folder, payload({ a: '3', c: '4' }, 0o600)), true);
    assert.notEqual(await readlink(join(folder, '..data')), first);
    assert.deepStrictEqual((await readdir(folder)).filter((n) => !n.startsWith('..')).sort(), ['a', 'c']);
    assert.equal((await stat(join(folder, 'a'))).mode & 0o777, 0o600);
    assert.equal((await readdir(folder)).length, 4, 'no old set is left');
  } finally {
    await rm(folder, { recursive: true });
  }
});
