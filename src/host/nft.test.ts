import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../base/log.ts';
import { createNftTable, type NftFragment, type NftTable } from './nft.ts';
import type { Runner } from './tools.ts';

function fakeTable(): { table: NftTable; scripts: string[]; failNext: () => void } {
  const scripts: string[] = [];
  let fail = false;
  const runner: Runner = async (_program, _args, options) => {
    if (fail) {
      fail = false;
      throw new Error('refused');
    }
    scripts.push(String(options?.input));
    return { code: 0, stdout: '', stderr: '' };
  };
  const failNext = (): void => {
    fail = true;
  };
  return { table: createNftTable({ family: 'ip', name: 't', log: silent, runner, watch: false }), scripts, failNext };
}

const base: NftFragment = {
  sets: { services: { kind: 'map', type: 'ipv4_addr . inet_service : verdict' } },
  chains: {
    pre: { hook: 'type nat hook prerouting priority dstnat ;', rules: ['ip daddr . th dport vmap @services'] },
  },
};
const service = (ip: string, ...rules: string[]): NftFragment => ({
  chains: { [`svc-${ip}`]: { rules } },
  elements: { services: { [`${ip} . 80`]: `goto svc-${ip}` } },
});

test('the first sync replaces the table, the next ones send what differs and nothing when nothing does', async () => {
  const { table, scripts } = fakeTable();
  table.put('base', base);
  table.put('a', service('10.0.0.1', 'dnat to 10.1.0.1'));
  await table.sync();
  table.put('b', service('10.0.0.2', 'dnat to 10.1.0.2'));
  await table.sync();
  table.put('a', service('10.0.0.1', 'dnat to 10.1.0.3'));
  await table.sync();
  table.put('a', undefined);
  await table.sync();
  table.put('b', service('10.0.0.2', 'dnat to 10.1.0.2'));
  await table.sync();
  assert.deepStrictEqual(
    scripts.map((s) => s.trim().split('\n')),
    [
      [
        'add table ip t',
        'delete table ip t',
        'add table ip t { comment "kept by knarr" ; }',
        'add map ip t services { type ipv4_addr . inet_service : verdict ; }',
        'add chain ip t pre { type nat hook prerouting priority dstnat ; }',
        'add chain ip t svc-10.0.0.1',
        'add rule ip t pre ip daddr . th dport vmap @services',
        'add rule ip t svc-10.0.0.1 dnat to 10.1.0.1',
        'add element ip t services { 10.0.0.1 . 80 : goto svc-10.0.0.1 }',
      ],
      [
        'add chain ip t svc-10.0.0.2',
        'add rule ip t svc-10.0.0.2 dnat to 10.1.0.2',
        'add element ip t services { 10.0.0.2 . 80 : goto svc-10.0.0.2 }',
      ],
      ['flush chain ip t svc-10.0.0.1', 'add rule ip t svc-10.0.0.1 dnat to 10.1.0.3'],
      [
        'flush chain ip t svc-10.0.0.1',
        'delete element ip t services { 10.0.0.1 . 80 }',
        'delete chain ip t svc-10.0.0.1',
      ],
    ],
  );
});

test('of two owners of one key the first keeps it, and the second has it when the first lets go', async () => {
  const { table, scripts } = fakeTable();
  table.put('base', base);
  table.put('a', { elements: { services: { '1.1.1.1 . 80': 'drop' } } });
  table.put('b', { elements: { services: { '1.1.1.1 . 80': 'accept' } } });
  await table.sync();
  assert.match(scripts[0] ?? '', /1\.1\.1\.1 \. 80 : drop/);
  table.put('a', undefined);
  await table.sync();
  assert.deepStrictEqual(scripts[1]?.trim().split('\n'), [
    'delete element ip t services { 1.1.1.1 . 80 }',
    'add element ip t services { 1.1.1.1 . 80 : accept }',
  ]);
});

test('a refused change, a changed set and a changed hook write the whole table again', async () => {
  const { table, scripts, failNext } = fakeTable();
  table.put('base', base);
  await table.sync();
  failNext();
  table.put('a', service('10.0.0.1', 'drop'));
  await table.sync();
  assert.match(scripts[1] ?? '', /^add table ip t\ndelete table ip t\n[\s\S]*svc-10\.0\.0\.1/);
  table.put('base', {
    ...base,
    sets: { services: { kind: 'map', type: 'ipv4_addr . inet_service : verdict', timeoutSeconds: 5 } },
  });
  await table.sync();
  assert.match(scripts[2] ?? '', /^add table ip t\ndelete table ip t\n[\s\S]*timeout 5s/);
});

test('calls while one is under way share the next transaction', async () => {
  const { table, scripts } = fakeTable();
  table.put('base', base);
  const first = table.sync();
  table.put('a', service('10.0.0.1', 'drop'));
  table.put('b', service('10.0.0.2', 'drop'));
  await Promise.all([first, table.sync(), table.sync()]);
  await table.sync();
  assert.ok(scripts.length <= 2);
});
