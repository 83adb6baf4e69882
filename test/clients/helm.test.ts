import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startClientEnvironment, whyNot } from './environment.ts';

const helm = process.env.KNARR_HELM ?? 'helm';
const chart = join(import.meta.dirname, 'chart');
const skip = (await whyNot(helm, ['version'])) ? 'Helm is not on the PATH, and KNARR_HELM does not name it' : false;

test('Helm installs, tests, upgrades, rolls back and uninstalls a chart', { skip, timeout: 240_000 }, async () => {
  await using environment = await startClientEnvironment();
  const run = (...args: string[]): Promise<string> => environment.run(helm, [...args]);
  const settled = ['--wait', '--timeout', '90s'];
  await run('install', 'sample', chart, ...settled);
  assert.match(await run('test', 'sample'), /Phase:\s+Succeeded/);
  await run('upgrade', 'sample', chart, ...settled, '--set', 'replicas=3,text=two');
  assert.match(await run('get', 'manifest', 'sample'), /text: "two"/);
  await run('rollback', 'sample', '1', ...settled);
  await assert.rejects(
    run('upgrade', 'sample', chart, '--atomic', '--wait', '--timeout', '4s', '--set', 'image=starts-never'),
    /has been rolled back/,
  );
  const history = JSON.parse(await run('history', 'sample', '-o', 'json')) as { status: string; description: string }[];
  assert.deepEqual(
    history.map(({ status }) => status),
    ['superseded', 'superseded', 'superseded', 'failed', 'deployed'],
  );
  assert.match(await run('install', 'other', chart, '--dry-run=server'), /served: "true"/);
  await run('uninstall', 'sample', ...settled);
  assert.deepEqual(JSON.parse(await run('list', '-A', '-o', 'json')), []);
});
