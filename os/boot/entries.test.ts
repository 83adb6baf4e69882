import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bootOrder, entriesOn, entryFile, parseEntry, preferring } from './entries.ts';

const names: Record<string, ReturnType<typeof parseEntry>> = {
  'knarr_1.36.3.efi': { file: 'knarr_1.36.3.efi', version: '1.36.3' },
  'knarr_1.36.3+3-0.efi': { file: 'knarr_1.36.3+3-0.efi', version: '1.36.3', tries: { left: 3, done: 0 } },
  'knarr_1.36.3+3.efi': { file: 'knarr_1.36.3+3.efi', version: '1.36.3', tries: { left: 3, done: 0 } },
  'knarr_1.36.4~rc.1+0-3.efi': {
    file: 'knarr_1.36.4~rc.1+0-3.efi',
    version: '1.36.4~rc.1',
    tries: { left: 0, done: 3 },
  },
  'knarr-new.tmp': undefined,
  'debian.efi': undefined,
};
for (const [name, entry] of Object.entries(names))
  test(`the entry's name ${name}`, () => assert.deepStrictEqual(parseEntry(name), entry));

const order = (...files: string[]): string[] =>
  bootOrder(files.map((file) => parseEntry(file)).filter((entry) => entry !== undefined)).map(({ file }) => file);

test('the newest starts first, and one without tries last', () => {
  assert.deepStrictEqual(order('knarr_1.efi', 'knarr_2+3-0.efi'), ['knarr_2+3-0.efi', 'knarr_1.efi']);
  assert.deepStrictEqual(order('knarr_1.efi', 'knarr_2+0-3.efi'), ['knarr_1.efi', 'knarr_2+0-3.efi']);
});

for (const [target, running] of [
  ['2', '1'],
  ['1', '2'],
] as const)
  test(`${target} is tried over ${running}, and ${running} comes back`, () => {
    const tries = preferring(target, running, 1);
    const before = order(entryFile(running, tries.running), entryFile(target, tries.target));
    assert.equal(parseEntry(before[0] ?? '')?.version, target);
    const after = order(entryFile(running, tries.running), entryFile(target, { left: 0, done: 1 }));
    assert.equal(parseEntry(after[0] ?? '')?.version, running);
  });

test('a version over itself is refused', () => {
  assert.throws(() => preferring('1.0', '1.00', 3), { code: 'same-version' });
});

test('an entry is placed, counted, blessed and removed', async () => {
  const esp = await mkdtemp(join(tmpdir(), 'knarr-esp-'));
  try {
    const folder = join(esp, 'EFI/Linux');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'knarr-new.tmp'), 'from an interrupted run');
    const entries = entriesOn(esp);
    await entries.tidy();
    const path = await entries.place(
      '2',
      { left: 3, done: 0 },
      (async function* () {
        yield Buffer.from('kernel');
      })(),
    );
    assert.equal(await readFile(path, 'utf8'), 'kernel');
    const [placed] = await entries.list();
    assert.ok(placed);
    await entries.retry(placed, undefined);
    assert.deepStrictEqual(await readdir(folder), ['knarr_2.efi']);
    for (const entry of await entries.list()) await entries.remove(entry);
    assert.deepStrictEqual(await readdir(folder), []);
  } finally {
    await rm(esp, { recursive: true });
  }
});
