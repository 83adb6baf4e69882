import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointsOfPort, type ProxyEndpoint } from './endpoints.ts';
import { chooseEndpoints } from './topology.ts';

const endpoint = (ip: string, more: Partial<ProxyEndpoint> = {}): ProxyEndpoint => ({
  ip,
  port: 80,
  ready: true,
  serving: true,
  terminating: false,
  local: false,
  nodeHints: [],
  zoneHints: [],
  ...more,
});
const ending = { ready: false, serving: true, terminating: true };
const both = { usesCluster: true, usesLocal: true };

function choose(endpoints: ProxyEndpoint[], policies = both) {
  const { cluster, local, any } = chooseEndpoints(endpoints, policies, { nodeName: 'n1', zone: 'z1' });
  return { cluster: cluster.map((e) => e.ip).join(' '), local: local.map((e) => e.ip).join(' '), any };
}

const rows: [string, ProxyEndpoint[], ReturnType<typeof choose>][] = [
  ['no endpoint at all', [], { cluster: '', local: '', any: false }],
  [
    'ready ones, those of this node for policy Local',
    [endpoint('a'), endpoint('b', { local: true })],
    { cluster: 'a b', local: 'b', any: true },
  ],
  [
    'ending ones are no choice while one is ready',
    [endpoint('a', ending), endpoint('b')],
    { cluster: 'b', local: '', any: true },
  ],
  [
    'ending ones serve when none is ready',
    [endpoint('a', ending), endpoint('b', { ready: false, serving: false })],
    { cluster: 'a', local: '', any: true },
  ],
  [
    'policy Local falls back to ending ones of its own',
    [endpoint('a', { ...ending, local: true }), endpoint('b')],
    { cluster: 'b', local: 'a', any: true },
  ],
  [
    'zone hints that name this zone',
    [endpoint('a', { zoneHints: ['z1'] }), endpoint('b', { zoneHints: ['z2'] })],
    { cluster: 'a', local: '', any: true },
  ],
  [
    'zone hints are ignored when one endpoint has none',
    [endpoint('a', { zoneHints: ['z1'] }), endpoint('b')],
    { cluster: 'a b', local: '', any: true },
  ],
  [
    'zone hints are ignored when none names this zone',
    [endpoint('a', { zoneHints: ['z2'] })],
    { cluster: 'a', local: '', any: true },
  ],
  [
    'node hints come before zone hints',
    [endpoint('a', { nodeHints: ['n2'], zoneHints: ['z1'] }), endpoint('b', { nodeHints: ['n1'], zoneHints: ['z2'] })],
    { cluster: 'b', local: '', any: true },
  ],
];
for (const [name, endpoints, wanted] of rows) test(name, () => assert.deepStrictEqual(choose(endpoints), wanted));

test('a policy that is not in use has no endpoints', () => {
  const here = [endpoint('a', { local: true })];
  assert.deepStrictEqual(choose(here, { usesCluster: false, usesLocal: true }), { cluster: '', local: 'a', any: true });
  assert.deepStrictEqual(choose(here, { usesCluster: true, usesLocal: false }), { cluster: 'a', local: '', any: true });
});

test('endpoints of a port: by name, protocol and family; one in two slices counts once, the ready one', () => {
  const slice = (name: string, ready: boolean | undefined) => ({
    metadata: { name },
    addressType: 'IPv4',
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
    endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'n1', conditions: { ready } }],
  });
  const six = { ...slice('six', true), addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }] };
  const slices = [slice('old', false), slice('new', undefined), six];
  assert.deepStrictEqual(
    endpointsOfPort(slices, { name: 'http' }, 4, 'n1').map((e) => [e.ip, e.port, e.ready, e.local]),
    [['10.0.0.1', 8080, true, true]],
  );
  assert.deepStrictEqual(
    endpointsOfPort(slices, { name: 'dns', protocol: 'UDP' }, 6, 'n1').map((e) => e.ip),
    ['fd00::1'],
  );
  assert.deepStrictEqual(endpointsOfPort(slices, { name: 'http', protocol: 'UDP' }, 4, 'n1'), []);
});
