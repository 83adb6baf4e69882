import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../base/eventually.ts';
import { silent } from '../../base/log.ts';
import { createBoard } from './board.ts';
import { createScreens } from './screens.ts';

const until = (what: string, ready: () => Promise<boolean>): Promise<void> =>
  eventually(what, async () => assert.ok(await ready()));

test('a console is drawn on while its file is there, only what has changed, and not any more afterwards', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'knarr-screens-'));
  t.after(() => rm(root, { recursive: true }));
  const folder = join(root, 'consoles');
  const device = join(root, 'dev/ttyS9');
  await mkdir(join(root, 'dev'));
  await writeFile(device, '');
  const board = createBoard();
  board.set({ node: 'one' });
  const screens = createScreens({
    folder,
    devices: join(root, 'dev'),
    draw: () => ['first', board.facts.node ?? ''],
    onChange: board.onChange,
    log: silent,
    atMostEveryMs: 5,
  });
  const shown = (): Promise<string> => readFile(device, 'utf8');
  await screens.start();
  await sleep(30);
  assert.equal(await shown(), '');
  await writeFile(join(folder, 'ttyS9'), '');
  await until('the whole screen', async () =>
    (await shown()).endsWith('first\u001b[K\u001b[2;1Hone\u001b[K\u001b[3;1H'),
  );
  const before = (await shown()).length;
  board.set({ node: 'two' });
  await until(
    'the row that changed',
    async () => (await shown()).slice(before) === '\u001b[2;1Htwo\u001b[K\u001b[3;1H',
  );
  const all = await shown();
  await rm(join(folder, 'ttyS9'));
  await sleep(30);
  board.set({ node: 'three' });
  await sleep(30);
  assert.equal(await shown(), all);
  await screens.stop();
});
