import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeEmptyCniFiles } from './cni-leftovers.ts';

test('empty files from before this boot are removed; full ones, new ones and the lock stay', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'knarr-cni-'));
  t.after(() => rm(root, { recursive: true }));
  const [results, networks] = [join(root, 'results'), join(root, 'networks')];
  await mkdir(results);
  await mkdir(join(networks, 'cbr0'), { recursive: true });
  const put = async (path: string, text: string, secondsAgo: number): Promise<void> => {
    await writeFile(path, text);
    const then = Date.now() / 1000 - secondsAgo;
    await utimes(path, then, then);
  };
  await put(join(results, 'cbr0-empty'), '', 20);
  await put(join(results, 'cbr0-new'), '', 1);
  await put(join(results, 'cbr0-full'), '{}', 20);
  await put(join(networks, 'cbr0/10.42.0.7'), '', 20);
  await put(join(networks, 'cbr0/10.42.0.8'), 'id\r\neth0', 20);
  await put(join(networks, 'cbr0/lock'), '', 20);
  const upForMs = 10_000;
  assert.deepStrictEqual(await removeEmptyCniFiles([results, networks, join(root, 'none')], upForMs), [
    join(results, 'cbr0-empty'),
    join(networks, 'cbr0/10.42.0.7'),
  ]);
  assert.deepStrictEqual((await readdir(root, { recursive: true })).sort(), [
    'networks',
    'networks/cbr0',
    'networks/cbr0/10.42.0.8',
    'networks/cbr0/lock',
    'results',
    'results/cbr0-full',
    'results/cbr0-new',
  ]);
});
