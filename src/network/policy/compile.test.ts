import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../api/gen/core-v1.ts';
import type { NetworkPolicy } from '../../api/gen/networking-v1.ts';
import { compilePolicies } from './compile.ts';

const pod = (
  name: string,
  ip: string,
  more: { nodeName?: string; phase?: string; hostNetwork?: boolean } = {},
): Pod => ({
  metadata: { name, namespace: 'ns', labels: { app: name } },
  spec: { nodeName: more.nodeName ?? 'n1', hostNetwork: more.hostNetwork ?? false, containers: [] },
  status: { phase: more.phase ?? 'Running', podIPs: [{ ip }] },
});
const policy = (name: string, spec: NetworkPolicy['spec']): NetworkPolicy => ({
  metadata: { name, namespace: 'ns' },
  spec,
});
const input = { nodeName: 'n1', namespaces: [{ metadata: { name: 'ns' } }] };
const closed = policy('closed', { podSelector: {}, policyTypes: ['Ingress'] });

test('only pods of this node that run and have addresses of their own are isolated', () => {
  const pods = [
    pod('here', '10.0.0.1'),
    pod('there', '10.0.1.1', { nodeName: 'n2' }),
    pod('over', '10.0.0.2', { phase: 'Succeeded' }),
    pod('host', '192.168.0.1', { hostNetwork: true }),
  ];
  const elements = compilePolicies({ ...input, policies: [closed], pods })?.elements;
  assert.deepStrictEqual(Object.keys(elements?.['ingress-pods4'] ?? {}), ['10.0.0.1']);
  assert.equal(elements?.['egress-pods4'], undefined);
  assert.equal(compilePolicies({ ...input, policies: [closed], pods: pods.slice(1) }), undefined);
});

test('pods with the same rules share a chain, the same selector is one set', () => {
  const from = [{ podSelector: { matchLabels: { app: 'a' } } }];
  const open = policy('open', {
    podSelector: {},
    policyTypes: ['Ingress'],
    ingress: [{ from }, { from, ports: [{ port: 80 }] }],
  });
  const fragment = compilePolicies({ ...input, policies: [open], pods: [pod('a', '10.0.0.1'), pod('b', '10.0.0.2')] });
  const chains = Object.keys(fragment?.chains ?? {}).filter((name) => name !== 'forward');
  assert.equal(chains.length, 1);
  const sets = Object.keys(fragment?.sets ?? {}).filter((name) => name.startsWith('pods4-'));
  assert.equal(sets.length, 1);
  assert.deepStrictEqual(fragment?.elements?.[sets[0] ?? ''], { '10.0.0.1': '' });
});

test('both families get rules of their own; an address block counts in its own', () => {
  const six = { ...pod('six', ''), status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] } };
  const block = policy('block', {
    podSelector: {},
    ingress: [
      { from: [{ ipBlock: { cidr: 'fd01::/16', except: ['fd01:1::/32'] } }], ports: [{ protocol: 'UDP', port: 53 }] },
    ],
  });
  const fragment = compilePolicies({ ...input, policies: [block], pods: [six] });
  const chainOf = (map: string, ip: string) =>
    fragment?.chains?.[fragment.elements?.[map]?.[ip]?.replace('jump ', '') ?? '']?.rules;
  assert.deepStrictEqual(chainOf('ingress-pods4', '10.0.0.1'), ['drop']);
  assert.deepStrictEqual(chainOf('ingress-pods6', 'fd00::1'), [
    'meta nfproto ipv6 ip6 saddr fd01::/16 ip6 saddr != fd01:1::/32 meta l4proto udp th dport 53 return',
    'drop',
  ]);
});
