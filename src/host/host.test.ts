import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createIpTool } from './ip.ts';
import { loadModules } from './modules.ts';
import { changeOf } from './network-monitor.ts';
import { readSysctl, writeSysctls } from './sysctl.ts';
import type { Runner } from './tools.ts';

test('sysctls are written only where they differ, and what the kernel lacks is said', async () => {
  const root = await mkdtemp(join(tmpdir(), 'knarr-sysctl-'));
  try {
    await mkdir(join(root, 'net/ipv4/conf/eth0.1'), { recursive: true });
    await writeFile(join(root, 'net/ipv4/ip_forward'), '0\n');
    await writeFile(join(root, 'net/ipv4/conf/eth0.1/rp_filter'), '2\n');
    assert.deepStrictEqual(
      await writeSysctls(
        { 'net.ipv4.ip_forward': '1', 'net.ipv4.conf.eth0/1.rp_filter': '2', 'net.ipv6.no_such': '1' },
        root,
      ),
      [
        { name: 'net.ipv4.ip_forward', outcome: 'changed' },
        { name: 'net.ipv4.conf.eth0/1.rp_filter', outcome: 'unchanged' },
        { name: 'net.ipv6.no_such', outcome: 'missing' },
      ],
    );
    assert.equal(await readFile(join(root, 'net/ipv4/ip_forward'), 'utf8'), '1');
    assert.equal(await readSysctl('net.nothing', root), undefined);
  } finally {
    await rm(root, { recursive: true });
  }
});

test('modules: what is loaded is left alone, what cannot be loaded is named', async () => {
  const asked: string[] = [];
  const runner: Runner = async (_program, args) => {
    asked.push(args.at(-1) ?? '');
    if (args.at(-1) === 'absent') throw new Error('no such module');
    return { code: 0, stdout: '', stderr: '' };
  };
  const missing = await loadModules(['there', 'vxlan', 'absent'], { runner, loaded: async (name) => name === 'there' });
  assert.deepStrictEqual({ missing, asked }, { missing: ['absent'], asked: ['vxlan', 'absent'] });
});

test('ip: addresses are flattened, empty answers are no entries', async () => {
  const answers: Record<string, string> = {
    '-j addr show dev eth0': JSON.stringify([
      { ifname: 'eth0', addr_info: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24, scope: 'global' }, {}] },
    ]),
    '-j -4 neigh show dev eth0': '',
    '-j -d addr show': '[{}]',
  };
  const runner: Runner = async (_program, args) => ({ code: 0, stdout: answers[args.join(' ')] ?? '[]', stderr: '' });
  const ip = createIpTool({ runner });
  assert.deepStrictEqual(await ip.addresses('eth0'), [
    { ifname: 'eth0', family: 4, address: '10.0.0.1', prefix: 24, scope: 'global' },
  ]);
  assert.deepStrictEqual(await ip.neighbours(4, 'eth0'), []);
  assert.deepStrictEqual(await ip.links(), []);
});

test('lines of ip monitor are told apart by their label', () => {
  assert.deepStrictEqual(
    [
      '[LINK]Deleted 3: veth0: <BROADCAST>',
      '    link/ether aa:bb',
      '[ADDR]2: eth0 inet 10.0.0.1/24',
      '[ROUTE]default',
    ].map(changeOf),
    ['link', undefined, 'address', 'route'],
  );
});
