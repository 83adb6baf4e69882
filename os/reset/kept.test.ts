import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Host } from '../../cloud-config/host.ts';
import { handOver, takeOver, wipeFile } from './kept.ts';

/** A machine that is a folder, whose EFI system partition is another. */
async function folders(
  t: TestContext,
): Promise<{ host: Host; esp: string; put(path: string, text: string): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'knarr-reset-'));
  t.after(() => rm(root, { recursive: true }));
  const esp = join(root, 'esp');
  await mkdir(join(esp, 'knarr'), { recursive: true });
  const host: Host = {
    path: (path) => (path.startsWith(root) ? path : join(root, path)),
    run: async () => ({ code: 0, stdout: '', stderr: '' }),
  };
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(host.path(path)), { recursive: true });
    await writeFile(host.path(path), text);
  };
  return { host, esp, put };
}

const there = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

test('a kept configuration comes into the new /var, and is forgotten where it waited', async (t) => {
  const { host, esp, put } = await folders(t);
  await put('/var/lib/rancher/k3os/config.yaml', 'hostname: a\n');
  await put('/var/lib/rancher/k3os/config.d/10.yaml', 'x: 1\n');
  await put('/var/lib/rancher/k3s/server/token', 'secret');
  await handOver(host, esp, { keepConfig: true, wipe: false });
  await rm(host.path('/var'), { recursive: true });
  await takeOver(host, esp);
  assert.equal(await readFile(host.path('/var/lib/rancher/k3os/config.yaml'), 'utf8'), 'hostname: a\n');
  assert.equal(await readFile(host.path('/var/lib/rancher/k3os/config.d/10.yaml'), 'utf8'), 'x: 1\n');
  assert.deepStrictEqual(
    [await there(join(esp, 'knarr/reset/config.yaml')), await there(host.path('/var/lib/rancher/k3s'))],
    [false, false],
  );
  assert.equal(await there(host.path(wipeFile)), false);
});

test('a machine that is given away keeps nothing, and knows that it has to wipe until it has', async (t) => {
  const { host, esp, put } = await folders(t);
  await put('/var/lib/rancher/k3os/config.yaml', 'hostname: a\n');
  await handOver(host, esp, { keepConfig: true, wipe: false });
  await handOver(host, esp, { keepConfig: false, wipe: true });
  await rm(host.path('/var'), { recursive: true });
  await takeOver(host, esp);
  assert.equal(await there(host.path('/var/lib/rancher/k3os/config.yaml')), false);
  assert.equal(await there(host.path(wipeFile)), true);
  assert.equal(await there(join(esp, 'knarr/reset')), false);
});
