import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '../../cloud-config/host.ts';
import { upgradeState } from '../../src/daemon/upgrade/state.ts';
import { gatewaysOf, networkCheck } from './network.ts';

interface Net {
  /** What `ip -json route show default` prints, by family. */
  readonly routes: Readonly<Record<string, string>>;
  /** Hardware addresses by the neighbour's. */
  readonly neighbours: Readonly<Record<string, string>>;
  /** Who answers a ping. */
  readonly pings?: readonly string[];
}

/** A machine whose `ip` and `ping` see this network. */
const machineIn = ({ routes, neighbours, pings = [] }: Net): Host => ({
  path: (path) => path,
  async run(program, args) {
    const done = (code: number, stdout = '') => ({ code, stdout, stderr: '' });
    if (program === 'ping') return done(pings.includes(args.at(-1) ?? '') ? 0 : 1);
    const words = args.join(' ');
    const route = /^-json (-[46]) route/.exec(words)?.[1];
    if (route !== undefined) return done(0, routes[route] ?? '[]');
    const neighbour = /^-json neigh show to (\S+) dev (\S+)$/.exec(words);
    if (neighbour === null) return done(0);
    const lladdr = neighbours[neighbour[1] ?? ''];
    return done(
      0,
      JSON.stringify([{ dst: neighbour[1], ...(lladdr ? { lladdr } : {}), state: ['FAILED'] }]).replace(
        'FAILED',
        lladdr ? 'REACHABLE' : 'FAILED',
      ),
    );
  },
});

const eth0 = (gateway: string): string => JSON.stringify([{ dst: 'default', gateway, dev: 'eth0' }]);

test('gateways are there whose hardware address is found, or that answer; of several ways each counts', async () => {
  const net: Net = {
    routes: {
      '-4': JSON.stringify([
        { dst: 'default', gateway: '10.0.0.1', dev: 'eth0' },
        { dst: 'default', gateway: '10.0.1.1', dev: 'eth1' },
        { dst: 'default', dev: 'ppp0' },
        {
          dst: 'default',
          nexthops: [
            { gateway: '10.0.2.1', dev: 'eth2' },
            { via: { host: 'fd00::1' }, dev: 'eth3' },
          ],
        },
      ]),
      '-6': '',
    },
    neighbours: { '10.0.0.1': '52:54:00:00:00:01', 'fd00::1': '52:54:00:00:00:02' },
    pings: ['10.0.2.1'],
  };
  assert.deepStrictEqual(await gatewaysOf(machineIn(net)), ['10.0.0.1 (eth0)', '10.0.2.1 (eth2)', 'fd00::1 (eth3)']);
});

for (const [name, before, net, wait] of [
  ['has it still', ['10.0.0.1 (eth0)'], { routes: { '-4': eth0('10.0.0.1') }, neighbours: { '10.0.0.1': 'x' } }, false],
  [
    'has another way',
    ['10.0.0.1 (eth0)'],
    { routes: { '-4': eth0('10.9.0.1') }, neighbours: { '10.9.0.1': 'x' } },
    false,
  ],
  ['has a wrong gateway', ['10.0.0.1 (eth0)'], { routes: { '-4': eth0('10.9.0.1') }, neighbours: {} }, true],
  ['has no route at all', ['10.0.0.1 (eth0)'], { routes: {}, neighbours: {} }, true],
  [
    'has but a router’s announcement by IPv6',
    ['10.0.0.1 (eth0)'],
    { routes: { '-6': eth0('fe80::2') }, neighbours: { 'fe80::2': 'x' } },
    true,
  ],
  ['had none before', [], { routes: {}, neighbours: {} }, false],
] as const satisfies readonly (readonly [string, readonly string[], Net, boolean])[])
  test(`a machine that had a way to others and ${name}`, async () => {
    const context = {
      host: machineIn(net),
      state: upgradeState('/nowhere'),
      clients: { isServer: false, admin: undefined, node: undefined, close() {} },
      failedBefore: new Set<string>(),
    };
    const verdict = await networkCheck(before).run(context);
    assert.deepStrictEqual(
      verdict,
      wait ? { wait: 'no gateway answers any more; before: 10.0.0.1 (eth0)' } : undefined,
    );
  });
