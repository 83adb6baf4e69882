import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { apiServerExtras } from './apiserver-arguments.ts';
import { parseComponentArguments } from './component-arguments.ts';
import { checkSchedulerArguments, controllerOverrides } from './control-plane-arguments.ts';
import { checkKernelDefaults } from './kernel-defaults.ts';
import { proxyOverrides } from './proxy-arguments.ts';

const args = parseComponentArguments;

test('arguments of the controllers become their settings', () => {
  const given = args([
    'node-monitor-grace-period=20s',
    'node-cidr-mask-size=26',
    'leader-elect=false',
    'controllers=*,-cronjob-controller,-ttl-after-finished',
  ]);
  assert.deepEqual(controllerOverrides(given), {
    nodeMonitorGraceMs: 20_000,
    nodeMaskV4: 26,
    without: ['cronjob', 'ttl-after-finished'],
  });
});

test('arguments of the proxy become its settings; zero leaves connection tracking alone', () => {
  const given = args([
    'nodeport-addresses=10.0.0.0/8',
    'healthz-bind-address=[::1]:10300',
    'conntrack-max-per-core=0',
    'proxy-mode=nftables',
  ]);
  assert.deepEqual(proxyOverrides(given), {
    nodePortCidrs: ['10.0.0.0/8'],
    healthzAddress: '::1',
    healthzPort: 10300,
  });
});

test('whatever would have no effect is refused by its name', () => {
  const rows: [() => unknown, RegExp][] = [
    [
      () => controllerOverrides(args(['pod-eviction-timeout=1m'])),
      /pod-eviction-timeout is not supported: .*toleration/,
    ],
    [() => controllerOverrides(args(['controllers=*,-nothing'])), /there is no controller nothing/],
    [() => controllerOverrides(args(['node-cidr-mask-size=99'])), /99 is not between 8 and 30/],
    [() => checkSchedulerArguments(args(['x=1'])), /--kube-scheduler-arg=x is not supported: known are leader-elect/],
    [() => checkSchedulerArguments(args(['feature-gates=A=true'])), /there are no feature gates/],
    [() => proxyOverrides(args(['proxy-mode=ipvs'])), /proxy-mode=ipvs is not supported/],
    [() => proxyOverrides(args(['conntrack-min=5'])), /set them by sysctl/],
    [
      () => apiServerExtras(args(['audit-log-path=x'])),
      /--kube-apiserver-arg=audit-log-path is not supported: known are/,
    ],
    [() => apiServerExtras(args(['constructor=x'])), /--kube-apiserver-arg=constructor is not supported/],
  ];
  for (const [read, message] of rows) assert.throws(read, message);
});

test('kernel settings that differ are named', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'knarr-sysctl-'));
  t.after(() => rm(root, { recursive: true }));
  const write = async (name: string, value: string): Promise<void> => {
    const path = join(root, name.replaceAll('.', '/'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${value}\n`);
  };
  for (const [name, value] of Object.entries({
    'vm.overcommit_memory': '1',
    'vm.panic_on_oom': '0',
    'kernel.panic': '10',
    'kernel.panic_on_oops': '1',
    'kernel.keys.root_maxkeys': '1000000',
    'kernel.keys.root_maxbytes': '25000000',
  }))
    await write(name, value);
  await checkKernelDefaults(root);
  await write('kernel.panic', '0');
  await rm(join(root, 'vm/panic_on_oom'));
  await assert.rejects(checkKernelDefaults(root), /vm\.panic_on_oom=0 \(is none\), kernel\.panic=10 \(is 0\)$/);
});
