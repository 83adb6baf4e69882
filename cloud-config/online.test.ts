import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { config as command } from './command.ts';
import type { Host } from './host.ts';
import { goOnline } from './online.ts';
import type { Http } from './sources/http.ts';
import { cloud, folder } from './sources/testing.ts';
import { readAll } from './sources.ts';

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

test('keys are fetched before the network becomes what the cloud says', async (t) => {
  const ran: string[] = [];
  const host = await folder(
    t,
    { '/proc/cmdline': 'quiet\n', '/proc/sys/kernel/hostname': '', '/sys/class/dmi/id/sys_vendor': 'Hetzner\n' },
    async (program, args) => {
      ran.push([program, ...args].join(' '));
      return { code: 0, stdout: '', stderr: '' };
    },
  );
  const { http } = await cloud(t, {
    'http://169.254.169.254/hetzner/v1/metadata': 'instance-id: 7\nnetwork-config: {version: 2, ethernets: {a: {}}}\n',
    'http://169.254.169.254/hetzner/v1/userdata': 'ssh_authorized_keys: ["github:me"]\n',
    'https://github.com/me.keys': () => (ran.includes('networkctl reload') ? [503, ''] : 'ssh-ed25519 A\n'),
  });
  const said: string[] = [];
  const failed = await goOnline({ host, say: (text) => void said.push(text), http, patienceMs: 0 });
  assert.deepStrictEqual({ failed, said }, { failed: 0, said: [] });
  assert.ok(ran.includes('networkctl reload'));
  assert.equal(await readFile(host.path('/run/knarr/ssh/rancher'), 'utf8'), 'ssh-ed25519 A\n');
});
