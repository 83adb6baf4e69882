import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../api/gen/core-v1.ts';
import type { EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { staleFlows } from './conntrack.ts';
import { proxyServices } from './service-ports.ts';
import { type NodeView, serviceRules } from './service-rules.ts';

const view: NodeView = {
  nodeName: 'n1',
  zone: '',
  nodeIps: ['192.168.0.1'],
  externalIps: ['198.51.100.1'],
  clusterCidrs: ['10.42.0.0/16', 'fd42::/56'],
};
const slice = (...ips: string[]): EndpointSlice => ({
  metadata: { name: 's' },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints: ips.map((ip) => ({ addresses: [ip], nodeName: ip.startsWith('10.42.0.') ? 'n1' : 'n2' })),
});
const service = (spec: Service['spec'], status?: Service['status']): Service => ({
  metadata: { namespace: 'ns', name: 'web' },
  spec: { clusterIP: '10.43.0.1', clusterIPs: ['10.43.0.1'], ports: [{ port: 80, protocol: 'TCP' }], ...spec },
  ...(status ? { status } : {}),
});
/** The rules with the hash in front of each name taken out. */
function rulesOf(of: Service, slices: EndpointSlice[]) {
  const [part] = proxyServices(of);
  assert.ok(part);
  const { fragment } = serviceRules(part, slices, view);
  return JSON.parse(JSON.stringify(fragment).replaceAll(/[0-9a-f]{8}-(?=ns|10\.)/g, ''));
}

test('one endpoint: a map element and one rule', () => {
  assert.deepStrictEqual(rulesOf(service({}), [slice('10.42.0.5')]), {
    sets: {},
    chains: { 'cluster-ns/web/tcp/': { rules: ['meta l4proto tcp dnat to 10.42.0.5:8080'] } },
    elements: {
      'cluster-ips': { '10.43.0.1': '' },
      hairpins: { '10.42.0.5 . 10.42.0.5 . tcp . 8080': '' },
      'service-ips': { '10.43.0.1 . tcp . 80': 'goto cluster-ns/web/tcp/' },
    },
  });
});

test('several endpoints: one rule that picks one', () => {
  assert.deepStrictEqual(rulesOf(service({}), [slice('10.42.0.5', '10.42.1.6')]).chains, {
    'cluster-ns/web/tcp/': {
      rules: [
        'meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.42.0.5 . 8080, 1 : 10.42.1.6 . 8080 }',
      ],
    },
  });
});

test('no endpoint: refused; internal policy Local without one here: dropped', () => {
  assert.deepStrictEqual(rulesOf(service({}), []).elements['no-endpoint-services'], {
    '10.43.0.1 . tcp . 80': 'goto refuse',
  });
  assert.deepStrictEqual(rulesOf(service({ internalTrafficPolicy: 'Local' }), [slice('10.42.1.6')]), {
    sets: {},
    chains: {},
    elements: { 'cluster-ips': { '10.43.0.1': '' }, 'no-endpoint-services': { '10.43.0.1 . tcp . 80': 'drop' } },
  });
});

test('a node port under policy Local: pods and the node see all endpoints, others those of this node', () => {
  const rules = rulesOf(
    service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] }),
    [slice('10.42.0.5', '10.42.1.6')],
  );
  assert.deepStrictEqual(rules.chains['external-ns/web/tcp/'].rules, [
    'ip saddr { 10.42.0.0/16 } goto cluster-ns/web/tcp/',
    'fib saddr type local meta mark set meta mark or 0x4000 goto cluster-ns/web/tcp/',
    'goto local-ns/web/tcp/',
  ]);
  assert.deepStrictEqual(rules.elements['service-node-ports'], { 'tcp . 30080': 'goto external-ns/web/tcp/' });
});

test('source ranges: the load balancer is shut for others, not for the node when it is inside', () => {
  const status = { loadBalancer: { ingress: [{ ip: '203.0.113.1' }, { ip: '203.0.113.2', ipMode: 'Proxy' }] } };
  const ranges = (...loadBalancerSourceRanges: string[]) =>
    rulesOf(service({ type: 'LoadBalancer', loadBalancerSourceRanges }, status), [slice('10.42.0.5')]).chains[
      'firewall-ns/web/tcp/'
    ]?.rules;
  assert.deepStrictEqual(ranges('198.51.100.7/24'), ['ip saddr != 198.51.100.0/24 drop']);
  assert.deepStrictEqual(ranges('192.168.0.0/24'), ['ip saddr != 192.168.0.0/24 ip saddr != 203.0.113.1 drop']);
  assert.deepStrictEqual(ranges('0.0.0.0/0'), []);
  assert.deepStrictEqual(ranges('fd00::/8'), ['ip saddr != 0.0.0.0/32 drop']);
});

test('a load-balancer address that is this node’s outside address answers on its inside one too', () => {
  const status = { loadBalancer: { ingress: [{ ip: '198.51.100.1' }, { ip: '198.51.100.2' }] } };
  const rules = rulesOf(service({ type: 'LoadBalancer' }, status), [slice('10.42.0.5')]);
  assert.deepStrictEqual(Object.keys(rules.elements['service-ips']), [
    '10.43.0.1 . tcp . 80',
    '198.51.100.1 . tcp . 80',
    '198.51.100.2 . tcp . 80',
    '192.168.0.1 . tcp . 80',
  ]);
});

test('what is no business of ours', () => {
  for (const spec of [{ type: 'ExternalName' }, { clusterIP: 'None', clusterIPs: ['None'] }])
    assert.deepStrictEqual(proxyServices(service(spec)), []);
  const other = service({});
  assert.deepStrictEqual(
    proxyServices({
      ...other,
      metadata: { ...other.metadata, labels: { 'service.kubernetes.io/service-proxy-name': 'x' } },
    }),
    [],
  );
});

test('UDP flows to forget: to an endpoint that is gone, and from before the first endpoint', () => {
  const to = (...endpoints: string[]) => [{ ip: '10.43.0.1', port: 53, protocol: 'udp', endpoints }];
  const words = (flows: readonly (readonly string[])[]) => flows.map((f) => f.join(' '));
  assert.deepStrictEqual(words(staleFlows(4, to('a', 'b'), to('b'))), [
    '-D -f ipv4 -p udp --orig-dst 10.43.0.1 --orig-port-dst 53 --dst-nat a',
  ]);
  assert.deepStrictEqual(words(staleFlows(4, to(), to('a'))), [
    '-D -f ipv4 -p udp --orig-dst 10.43.0.1 --orig-port-dst 53',
  ]);
  assert.deepStrictEqual(words(staleFlows(4, to('a'), to('a', 'b'))), []);
  assert.deepStrictEqual(words(staleFlows(6, to('a'), []))[0]?.startsWith('-D -f ipv6'), true);
});
