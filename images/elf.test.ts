import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { dependencies, withoutSections } from './elf.ts';

test('a program without its sections is smaller and runs', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-elf-'));
  t.after(() => rm(folder, { recursive: true }));
  const whole = await readFile(process.execPath);
  const less = withoutSections(whole);
  assert.ok(less.length <= whole.length);
  await writeFile(join(folder, 'node'), less, { mode: 0o755 });
  assert.equal(execFileSync(join(folder, 'node'), ['-p', '6 * 7']).toString(), '42\n');
});

test('what is no such program is refused', () => {
  assert.throws(() => withoutSections(Buffer.from('#!/bin/sh\n')), /not a 64-bit little-endian ELF program/);
});

test('a program names its libraries and its loader', async () => {
  const { libraries, loader } = dependencies(await readFile(process.execPath));
  assert.ok(libraries.includes('libc.so.6'), libraries.join(' '));
  assert.match(loader ?? '', /^\/lib.*\/ld-linux/);
});
