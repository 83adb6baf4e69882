import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { config as inspect } from '../../cloud-config/command.ts';
import { changesBetween } from '../../cloud-config/effects.ts';
import type { Host } from '../../cloud-config/host.ts';
import { parseCloudConfig } from '../../cloud-config/parse.ts';
import { configCommand } from './command.ts';
import { trialAtBoot } from './trial.ts';

const mainFile = '/var/lib/rancher/k3os/config.yaml';
const applied = '/run/knarr/cloud-config.json';

/** A machine that runs `yaml`: a folder, and a list of what was run. */
async function running(t: TestContext, yaml: string, options: { unwell?: readonly string[] } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'knarr-config-'));
  t.after(() => rm(root, { recursive: true }));
  const ran: string[] = [];
  const said: string[] = [];
  const write = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  const read = (path: string): Promise<string | undefined> => readFile(join(root, path), 'utf8').catch(() => undefined);
  const host: Host = {
    path: (path) => join(root, path),
    run: async (program, args) => {
      ran.push([program, ...args].join(' ').replaceAll(root, ''));
      return { code: 0, stdout: '', stderr: '' };
    },
  };
  const { config } = parseCloudConfig(mainFile, yaml);
  await write(mainFile, yaml);
  await write(applied, JSON.stringify(config));
  await write('/proc/cmdline', '');
  await write('/etc/sysctl.d/.keep', '');
  await write('/asked.yaml', '');
  const call = (...args: string[]): Promise<number> =>
    configCommand(
      args.map((arg) => (arg === 'FILE' ? join(root, 'asked.yaml') : arg)),
      { host, say: (text) => said.push(text), unwell: async () => options.unwell ?? [] },
    );
  return { host, ran, said, read, write, call };
}

const effectOf = (before: string, after: string): string[] =>
  changesBetween(parseCloudConfig('a', before).config, parseCloudConfig('b', after).config).map(
    ({ key, effect, restarts }) => [key, effect, ...restarts].join(' '),
  );

for (const [what, before, after, expected] of [
  ['a sysctl more', 'k3os: {sysctls: {a: "1"}}', 'k3os: {sysctls: {a: "1", b: "2"}}', ['k3os.sysctls now']],
  ['a sysctl less', 'k3os: {sysctls: {a: "1", b: "2"}}', 'k3os: {sysctls: {a: "1"}}', ['k3os.sysctls boot']],
  ['a label', '', 'k3os: {labels: {a: b}}', ['k3os.labels now knarr.service']],
  ['another name', 'hostname: a', 'hostname: b', ['hostname boot']],
  [
    'a key less',
    'ssh_authorized_keys: [github:a, github:b]',
    'ssh_authorized_keys: [github:a]',
    ['ssh_authorized_keys now'],
  ],
  [
    'a file changed',
    'write_files: [{path: /a, content: x}]',
    'write_files: [{path: /a, content: y}]',
    ['write_files now'],
  ],
  ['a file less', 'write_files: [{path: /a, content: x}]', 'write_files: []', ['write_files boot']],
  [
    'a file of the daemon',
    '',
    'write_files: [{path: /etc/rancher/k3s/config.yaml, content: x}]',
    ['write_files now knarr.service'],
  ],
  ['another place to mount', 'mounts: [[/dev/a, /mnt]]', 'mounts: [[/dev/b, /mnt]]', ['mounts boot']],
  ['one more place to mount', 'mounts: [[/dev/a, /mnt]]', 'mounts: [[/dev/a, /mnt], [/dev/b, /b]]', ['mounts now']],
  ['a proxy', '', 'proxy: {http: "http://p"}', ['proxy now containerd.service knarr.service']],
  ['another server', '', 'k3os: {server_url: "https://a:6443"}', ['k3os.server_url boot']],
  ['nothing', 'hostname: a', 'hostname: a', []],
] as const)
  test(`${what}: how it comes into effect`, () => assert.deepStrictEqual(effectOf(before, after), expected));

test('apply brings about what it can, and says what waits for the next boot', async (t) => {
  const { call, write, read, ran, said } = await running(t, 'hostname: a\n');
  await write(mainFile, 'hostname: b\nk3os: {sysctls: {vm.swappiness: "1"}, labels: {x: y}}\n');
  assert.equal(await call('apply'), 0);
  assert.equal(await read('/etc/sysctl.d/95-cloud-config.conf'), 'vm.swappiness = 1\n');
  assert.match((await read('/etc/rancher/k3s/config.yaml.d/50-cloud-config.yaml')) ?? '', /x=y/);
  assert.deepStrictEqual(ran, [
    'sysctl -q -p /etc/sysctl.d/95-cloud-config.conf',
    'systemctl restart --no-block knarr.service',
  ]);
  assert.deepStrictEqual(said.at(-1), 'waits for the next boot: hostname');
  ran.length = 0;
  assert.equal(await call('apply', '--reboot'), 0);
  assert.deepStrictEqual(ran, ['systemctl reboot']);
});

test('a file with a mistake is not applied, and not kept', async (t) => {
  const { call, write, read, ran } = await running(t, 'hostname: a\n');
  await write('/asked.yaml', 'hostnam: b\n');
  for (const word of ['apply', 'try'])
    await assert.rejects(call(word, 'FILE'), /asked\.yaml:1:1: hostnam: unknown key/);
  assert.equal(await read(mainFile), 'hostname: a\n');
  assert.deepStrictEqual(ran, []);
});

test('a script is no configuration for life, and a length that is none is no trial', async (t) => {
  const { call, write, read } = await running(t, 'hostname: a\n');
  await write('/asked.yaml', '#!/bin/sh\n# a: b\n');
  for (const word of ['apply', 'try']) await assert.rejects(call(word, 'FILE'), /asked\.yaml:1:1: a script is read as/);
  for (const length of ['x', '5', '9s', '-5m'])
    await assert.rejects(call('try', 'FILE', '--for', length), { code: 'usage', message: /^--for .*: at least 10s/ });
  assert.equal(await read(mainFile), 'hostname: a\n');
});

test('a mistake in a file beside it keeps a file from being taken, and one in the file that goes does not', async (t) => {
  const { call, write, read, said } = await running(t, 'hostname: a\n');
  await write('/asked.yaml', 'hostname: a\nk3os: {labels: {x: y}}\n');
  await write('/var/lib/rancher/k3os/config.d/a.yaml', 'hostnam: b\n');
  for (const word of ['apply', 'try']) await assert.rejects(call(word, 'FILE'), /nothing was changed/);
  assert.match(said.join('\n'), /config\.d\/a\.yaml:1:1: hostnam: unknown key/);
  assert.equal(await read(mainFile), 'hostname: a\n');
  assert.equal(await read('/var/lib/knarr/config/trial.json'), undefined);
  await write('/var/lib/rancher/k3os/config.d/a.yaml', '');
  await write(mainFile, 'hostnam: a\n');
  assert.equal(await call('apply', 'FILE'), 0);
  assert.match((await read('/etc/rancher/k3s/config.yaml.d/50-cloud-config.yaml')) ?? '', /x=y/);
});

test('diff with a file tells what goes with the one that it would replace', async (t) => {
  const { host, write } = await running(t, 'k3os: {labels: {a: b}, sysctls: {c: "1"}}\n');
  await write('/var/lib/rancher/k3os/config.d/a.yaml', 'timezone: UTC\n');
  await write('/asked.yaml', 'k3os: {sysctls: {c: "2"}}\n');
  const told: string[] = [];
  const to = { out: (text: string) => void told.push(text), err: (text: string) => void told.push(text) };
  for (const nothing of ['-', host.path('/nowhere')])
    await assert.rejects(inspect(['diff', nothing], host, to), { code: 'usage', message: /ENOENT/ });
  assert.equal(await inspect(['diff', host.path('/asked.yaml')], host, to), 1);
  assert.deepStrictEqual(told, [
    '- k3os.labels: {"a":"b"}\n- k3os.sysctls.c: 1\n+ k3os.sysctls.c: 2\n+ timezone: UTC\n',
  ]);
});

test('a file of config.d counts without an ending too, as it did for k3OS; one that is put aside does not', async (t) => {
  const { call, write, read } = await running(t, '');
  await write('/var/lib/rancher/k3os/config.d/10-labels', 'k3os: {labels: {a: b}}\n');
  await write('/var/lib/rancher/k3os/config.d/20.yaml.bak', 'k3os: {labels: {c: d}}\n');
  assert.equal(await call('apply'), 0);
  const daemon = (await read('/etc/rancher/k3s/config.yaml.d/50-cloud-config.yaml')) ?? '';
  assert.ok(daemon.includes('a=b') && !daemon.includes('c=d'), daemon);
});

test('a mistake in another source keeps nothing back, one in a file of the machine everything', async (t) => {
  const { call, write, read, said } = await running(t, 'hostname: a\n');
  await write('/proc/cmdline', 'k3os.tocken=x');
  await write(mainFile, 'hostname: a\nk3os: {labels: {x: y}}\n');
  assert.equal(await call('apply'), 0);
  assert.match(said.join('\n'), /tocken: unknown key[\s\S]*applied: k3os\.labels/);
  await write('/var/lib/rancher/k3os/config.d/a.yaml', 'k3os: {labels: {x: z}}\nhostnam: b\n');
  await assert.rejects(call('apply'), /nothing was applied/);
  assert.match((await read('/etc/rancher/k3s/config.yaml.d/50-cloud-config.yaml')) ?? '', /x=y/);
});

test('what is tried goes back, by itself or when asked, and stays when confirmed', async (t) => {
  const before = 'ssh_authorized_keys: [ssh-ed25519 one]\n';
  const machine = await running(t, before);
  const { call, write, read, ran } = machine;
  await write('/asked.yaml', 'ssh_authorized_keys: [ssh-ed25519 two]\n');
  assert.equal(await call('try', 'FILE', '--for', '1m'), 0);
  assert.equal(await read('/run/knarr/ssh/rancher'), 'ssh-ed25519 two\n');
  assert.match(ran.join('\n'), /systemd-run .*--on-active=60 .*os\.mjs config revert it was not confirmed in time/);
  await assert.rejects(call('try', 'FILE'), /on trial already/);
  assert.equal(await call('revert', 'it was not confirmed in time'), 0);
  assert.equal(await read('/run/knarr/ssh/rancher'), 'ssh-ed25519 one\n');
  assert.equal(await read(mainFile), before);
  assert.match((await read('/var/lib/knarr/config/outcome.json')) ?? '', /"returned".*not confirmed in time/);

  assert.equal(await call('try', 'FILE'), 0);
  assert.equal(await call('confirm'), 0);
  assert.equal(await read('/run/knarr/ssh/rancher'), 'ssh-ed25519 two\n');
  await assert.rejects(call('revert'), /no configuration is on trial/);
});

test('a file beside the main one goes away again', async (t) => {
  const { call, write, read } = await running(t, '');
  await write('/asked.yaml', 'k3os: {labels: {a: b}}\n');
  assert.equal(await call('try', 'FILE', '--as', '90-cluster'), 0);
  assert.match((await read('/etc/rancher/k3s/config.yaml.d/50-cloud-config.yaml')) ?? '', /a=b/);
  assert.equal(await call('revert'), 0);
  assert.equal(await read('/var/lib/rancher/k3os/config.d/90-cluster.yaml'), undefined);
  assert.doesNotMatch((await read('/etc/rancher/k3s/config.yaml.d/50-cloud-config.yaml')) ?? '', /a=b/);
});

test('the health of the machine decides where it is asked to', async (t) => {
  const asked = 'k3os: {labels: {a: b}}\n';
  const well = await running(t, '');
  await well.write('/asked.yaml', asked);
  assert.equal(await well.call('try', 'FILE', '--keep-when-healthy'), 0);
  assert.equal(await well.read(mainFile), asked);
  const ill = await running(t, '', { unwell: ['node: not Ready'] });
  await ill.write('/asked.yaml', asked);
  assert.equal(await ill.call('try', 'FILE', '--keep-when-healthy'), 1);
  assert.equal(await ill.read(mainFile), '');
  assert.match((await ill.read('/var/lib/knarr/config/outcome.json')) ?? '', /node: not Ready/);
});

test('what only a boot brings about is refused, or tried by one boot and no more', async (t) => {
  const { call, write, read, ran, host } = await running(t, 'hostname: a\n');
  await write('/asked.yaml', 'hostname: b\n');
  await assert.rejects(call('try', 'FILE'), /hostname: only a boot brings this about; nothing was changed/);
  assert.equal(await read(mainFile), 'hostname: a\n');
  assert.equal(await call('try', 'FILE', '--reboot', '--for=2m'), 0);
  assert.equal(ran.at(-1), 'systemctl reboot');
  assert.match(await trialAtBoot(host), /on trial .* for 120 s/);
  assert.equal(await read(mainFile), 'hostname: b\n');
  // the machine crashed in the trial
  assert.match(await trialAtBoot(host), /the one before it is back/);
  assert.equal(await read(mainFile), 'hostname: a\n');
  assert.match((await read('/var/lib/knarr/config/outcome.json')) ?? '', /"returned"/);
});
