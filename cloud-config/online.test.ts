import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { config as command } from './command.ts';
import type { Host } from './host.ts';
import { goOnline, readAll } from './online.ts';
import type { Http } from './sources/http.ts';

test('what a cloud says is applied, kept for a boot without it, and is another machine’s no more', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'knarr-online-'));
  t.after(() => rm(root, { recursive: true }));
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  await put('/proc/cmdline', 'quiet\n');
  await put('/proc/sys/kernel/hostname', '');
  await put('/sys/class/dmi/id/sys_vendor', 'Hetzner\n');
  await put('/sys/class/dmi/id/product_uuid', 'one\n');
  const host: Host = { path: (path) => join(root, path), run: async () => ({ code: 0, stdout: '', stderr: '' }) };
  const pages: Record<string, string> = {
    '/hetzner/v1/metadata': 'hostname: h\ninstance-id: 7\n',
    '/hetzner/v1/userdata': '#cloud-config\nrun_cmd: [date]\nk3os: {token: secret}\n',
  };
  const http: Http = async (url) => ({ status: 200, body: Buffer.from(pages[new URL(url).pathname] ?? '') });
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);

  assert.equal(await goOnline({ host, say, http, patienceMs: 0 }), 0);
  assert.deepStrictEqual(said, []);
  assert.equal(await readFile(join(root, '/etc/hostname'), 'utf8'), 'h\n');
  assert.equal(await readFile(join(root, '/run/knarr/run-commands'), 'utf8'), '["date"]');

  const down: Http = async (url) => {
    throw new Error(`${url}: there is no network`);
  };
  assert.equal(await goOnline({ host, say, http: down, patienceMs: 0 }), 1);
  assert.match(said[0] ?? '', /^cloud-config: hetzner: .*there is no network$/);
  const shown: string[] = [];
  const to = { out: (text: string) => void shown.push(text), err: (text: string) => void shown.push(text) };
  assert.equal(await command(['show'], host, to), 0);
  assert.deepStrictEqual(shown, ['hostname: h\nrun_cmd:\n  - date\nk3os:\n  token: "***"\n']);

  await put('/sys/class/dmi/id/product_uuid', 'two\n');
  assert.deepStrictEqual(
    (await readAll(host)).flatMap(({ config }) => Object.keys(config)),
    [],
  );
});
