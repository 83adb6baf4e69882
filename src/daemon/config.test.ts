import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readAgentConfig, readServerConfig, readValues } from './config.ts';
import { allFlags } from './flags/table.ts';

const raw = (entries: Record<string, string[]> = {}): Map<string, string[]> => new Map(Object.entries(entries));

async function configFile(t: TestContext, text: string, dropIns: Record<string, string> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'config.yaml');
  await writeFile(file, text);
  await mkdir(`${file}.d`);
  for (const [name, content] of Object.entries(dropIns)) await writeFile(join(`${file}.d`, name), content);
  return file;
}

test('the command line wins over files, files over the environment, all over defaults', async (t) => {
  const file = await configFile(t, 'token: from-file\nhttps-listen-port: 7443\ndebug: true\n');
  const { values } = await readValues({
    role: 'server',
    commandLine: raw({ c: [file], 'https-listen-port': ['8443'] }),
    env: { K3S_TOKEN: 'from-env', K3S_NODE_NAME: 'from-env' },
  });
  assert.deepEqual(
    [
      values.integer('https-listen-port'),
      values.string('token'),
      values.string('node-name'),
      values.boolean('debug'),
      values.string('cluster-domain'),
    ],
    [8443, 'from-file', 'from-env', true, 'cluster.local'],
  );
});

test('a later file replaces a list, or appends with key+', async (t) => {
  const file = await configFile(t, 'node-label: [a=1, b=2]\ntls-san:\n  - x\n', {
    '10-more.yaml': 'node-label+: [c=3]\n',
    '20-other.yaml': 'tls-san: y\n',
    'ignored.txt': 'debug: true',
  });
  const { values } = await readValues({ role: 'server', commandLine: raw({ config: [file] }), env: {} });
  assert.deepEqual(values.list('node-label'), ['a=1', 'b=2', 'c=3']);
  assert.deepEqual(values.list('tls-san'), ['y']);
  assert.equal(values.boolean('debug'), false);
});

test('a list on the command line replaces the list of the file', async (t) => {
  const file = await configFile(t, 'disable: [traefik, servicelb]\n');
  const { values } = await readValues({
    role: 'server',
    commandLine: raw({ config: [file], disable: ['a,b'] }),
    env: {},
  });
  assert.deepEqual(values.list('disable'), ['a', 'b']);
});

test('unknown keys are told, a broken file is refused with its place', async (t) => {
  const unknown = await configFile(t, 'no-such-key: 1\n');
  const { notices } = await readValues({ role: 'server', commandLine: raw({ config: [unknown] }), env: {} });
  assert.deepEqual(notices, [`${unknown}: unknown key no-such-key`]);
  const broken = await configFile(t, 'a: [1\n');
  await assert.rejects(readValues({ role: 'server', commandLine: raw({ config: [broken] }), env: {} }), {
    code: 'invalid-config-file',
  });
});

test('what is not supported is refused by name, unless it says what is so anyway', async () => {
  const read = (entries: Record<string, string[]>) =>
    readServerConfig({ commandLine: raw({ 'disable-agent': ['true'], ...entries }), env: {} });
  await assert.rejects(read({ 'cluster-init': ['true'] }), /--cluster-init is not supported yet: /);
  await assert.rejects(read({ server: ['https://a:6443'] }), /--server on a server is not supported yet/);
  await read({ 'cluster-init': ['false'], docker: ['false'] });
});

test('networks give the addresses of DNS and API', async () => {
  const config = await readServerConfig({
    commandLine: raw({ 'disable-agent': ['true'], 'service-cidr': ['10.96.0.0/16,fd00:43::/112'] }),
    env: {},
  });
  assert.deepEqual(config.clusterDns, ['10.96.0.10', 'fd00:43::a']);
  assert.equal(config.apiServiceAddress, '10.96.0.1');
});

test('bad values are refused with their flag', async () => {
  const rows: [Record<string, string[]>, RegExp][] = [
    [{ 'service-cidr': ['10.0.0.0'] }, /--service-cidr: "10.0.0.0" is not a network/],
    [{ 'service-node-port-range': ['x'] }, /--service-node-port-range/],
    [{ 'flannel-backend': ['calico'] }, /--flannel-backend: "calico" is not one of/],
    [{ 'https-listen-port': ['no'] }, /--https-listen-port: "no" is not a whole number/],
    [{ 'tls-san-security': ['false'] }, /--tls-san-security=false is not supported/],
    [{ 'kube-scheduler-arg': ['x=1'] }, /--kube-scheduler-arg=x is not supported/],
    [{ debug: ['perhaps'] }, /--debug: "perhaps" is not true or false/],
  ];
  for (const [entries, message] of rows)
    await assert.rejects(
      readServerConfig({ commandLine: raw({ 'disable-agent': ['true'], ...entries }), env: {} }),
      message,
    );
});

test('an agent needs a server and a token', async () => {
  const node = { 'node-name': ['a'], 'node-ip': ['10.0.0.1'] };
  const read = (entries: Record<string, string[]>) =>
    readAgentConfig({ commandLine: raw({ ...node, ...entries }), env: {} });
  await assert.rejects(read({}), /--server is required/);
  await assert.rejects(read({ server: ['https://a:6443'] }), /--token is required/);
  const config = await read({
    server: ['https://a:6443/'],
    token: ['x'],
    'node-taint': ['k=v:NoSchedule', 'only:NoExecute'],
    'kubelet-arg': ['--max-pods=10'],
  });
  assert.equal(config.serverUrl, 'https://a:6443');
  assert.deepEqual(config.node.taints, [
    { key: 'k', value: 'v', effect: 'NoSchedule' },
    { key: 'only', effect: 'NoExecute' },
  ]);
  assert.deepEqual(config.node.kubelet, { maxPods: 10 });
});

test('every flag has one row, and no alias is used twice', () => {
  const names = allFlags.flatMap((flag) => [flag.name, ...(flag.aliases ?? [])]);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});
