import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKernelArguments, splitCommandLine } from './kernel-arguments.ts';
import { mergeConfigs } from './merge.ts';
import { parseCloudConfig } from './parse.ts';
import { renderProblem } from './schema.ts';

test('a mistake is reported with file, line, column and key, and the rest counts', () => {
  const { config, problems } = parseCloudConfig(
    '/seed/user-data',
    `#cloud-config
hostname: one
ssh_authorised_keys:
- ssh-ed25519 AAAA
write_files:
- content: no path
- path: /etc/a
  content: |
    b
  permissions: 0600
k3os:
  labels: [a]
  taints:
  - key1=value1:NoExecute
  - {a: b}
  sysctls:
    kernel.panic: 10
  tocken: x
`,
  );
  assert.deepStrictEqual(config, {
    hostname: 'one',
    write_files: [{ path: '/etc/a', content: 'b\n', permissions: '0600' }],
    k3os: { taints: ['key1=value1:NoExecute'], sysctls: { 'kernel.panic': '10' } },
  });
  assert.deepStrictEqual(problems.map(renderProblem), [
    '/seed/user-data:3:1: ssh_authorised_keys: unknown key, left out (is ssh_authorized_keys meant?)',
    '/seed/user-data:6:3: write_files[0]: lacks path',
    '/seed/user-data:12:11: k3os.labels: must be a map of texts, not a list',
    '/seed/user-data:15:5: k3os.taints[1]: must be a text, not a map',
    '/seed/user-data:18:3: k3os.tocken: unknown key, left out (is token meant?)',
  ]);
});

test('broken YAML is reported where it breaks', () => {
  const { problems } = parseCloudConfig('config.yaml', 'hostname: a\nk3os: {\n');
  assert.deepStrictEqual([problems[0]?.source, problems[0]?.line], ['config.yaml', 3]);
});

test('kernel arguments: lists by repeating, maps in both forms, bare names, quotes', () => {
  assert.deepStrictEqual(splitCommandLine('quiet a="b c" "d=e f"'), ['quiet', 'a=b c', 'd=e f']);
  assert.deepStrictEqual(
    parseKernelArguments(
      'root=PARTLABEL=x quiet k3os.mode=live hostname=n k3os.labels[a.b/c]=d k3os.labels.e=f k3os.modules=kvm k3os.modules=nvme run_cmd="echo hi" k3os.tokn=x k3os.taints',
    ),
    {
      config: {
        hostname: 'n',
        k3os: { labels: { 'a.b/c': 'd', e: 'f' }, modules: ['kvm', 'nvme'], taints: ['true'] },
        run_cmd: ['echo hi'],
      },
      problems: [{ source: 'kernel command line', key: 'k3os.tokn', message: 'unknown key, left out' }],
    },
  );
});

test('configurations are merged: maps deeply, lists joined, the last text counts', () => {
  assert.deepStrictEqual(
    mergeConfigs([
      { hostname: 'a', ssh_authorized_keys: ['k1'], k3os: { labels: { x: '1' }, token: 't' } },
      { hostname: 'b', ssh_authorized_keys: ['k2', 'k1'], k3os: { labels: { y: '2' } } },
    ]),
    { hostname: 'b', ssh_authorized_keys: ['k1', 'k2'], k3os: { labels: { x: '1', y: '2' }, token: 't' } },
  );
});
