import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, decode, encode, type RecordType } from 'dns-packet';
import type { Service } from '../api/gen/core-v1.ts';
import type { EndpointSlice } from '../api/gen/discovery-v1.ts';
import { createDnsHandler } from './handler.ts';
import { createZone } from './zone.ts';

const service = (namespace: string, name: string, spec: Service['spec']): Service => ({
  metadata: { namespace, name },
  spec: { ...spec },
});
const services: Service[] = [
  service('default', 'kubernetes', {
    clusterIP: '10.43.0.1',
    clusterIPs: ['10.43.0.1'],
    ports: [{ name: 'https', port: 443, protocol: 'TCP' }],
  }),
  service('default', 'dual', {
    clusterIP: '10.43.0.2',
    clusterIPs: ['10.43.0.2', 'fd43::2'],
    ports: [
      { name: 'http', port: 80 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  }),
  service('default', 'set', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'http', port: 80 }] }),
  service('default', 'empty', { clusterIP: 'None', clusterIPs: ['None'] }),
  service('default', 'alias', { type: 'ExternalName', externalName: 'www.example.com' }),
  service('default', 'inner-alias', { type: 'ExternalName', externalName: 'dual.default.svc.cluster.local.' }),
];
const slices: EndpointSlice[] = [
  {
    metadata: { namespace: 'default', name: 'set-1', labels: { 'kubernetes.io/service-name': 'set' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [
      { addresses: ['10.42.0.5'], hostname: 'set-0', conditions: { ready: true } },
      { addresses: ['10.42.1.6'], conditions: {} },
      { addresses: ['10.42.1.7'], hostname: 'set-2', conditions: { ready: false } },
    ],
  },
];

const zone = createZone({
  zone: 'cluster.local',
  nameservers: ['10.43.0.10'],
  now: () => 1_700_000_000_000,
  isClusterAddress: (ip) => ip.startsWith('10.4'),
  view: {
    service: (namespace, name) => services.find((s) => s.metadata.namespace === namespace && s.metadata.name === name),
    slices: (namespace, name) =>
      slices.filter(
        (s) => s.metadata.namespace === namespace && s.metadata.labels?.['kubernetes.io/service-name'] === name,
      ),
    serviceByIp: (ip) => services.find((s) => s.spec?.clusterIPs?.includes(ip)),
    slicesByIp: (ip) => slices.filter((s) => s.endpoints?.some((e) => e.addresses.includes(ip))),
    hasNamespace: (namespace) => namespace === 'default',
  },
});
const handle = createDnsHandler({
  zone,
  nodeAddresses: (name) => (name === 'node-1' ? ['192.168.0.4', 'fd00::4'] : undefined),
  // Elsewhere: every name is 192.0.2.1 there.
  forward: async (query) => {
    const asked = decode(query.bytes).questions?.[0];
    assert.ok(asked);
    return encode({
      type: 'response',
      id: query.id,
      questions: [asked],
      answers: asked.type === 'A' ? [{ type: 'A', name: asked.name, ttl: 60, data: '192.0.2.1' }] : [],
    });
  },
});

const textOf = (a: Answer): string => {
  if (a.type === 'SRV') return `SRV ${a.data.priority} ${a.data.weight} ${a.data.port} ${a.data.target}`;
  if (a.type === 'TXT') return `TXT ${String(a.data)}`;
  if (a.type === 'SOA') return `SOA ${a.data.mname} ${a.data.minimum}`;
  return `${a.type} ${String((a as { data: unknown }).data)}`;
};
interface Asked {
  rcode: string;
  answers: string[];
  authority?: string[];
}
async function ask(name: string, type: RecordType): Promise<Asked> {
  const answer = await handle(encode({ type: 'query', id: 7, questions: [{ name, type }] }), 'udp');
  assert.ok(answer);
  const packet = decode(answer) as ReturnType<typeof decode> & { rcode: string };
  assert.equal(packet.id, 7);
  assert.equal(packet.questions?.[0]?.name, name);
  const authority = (packet.authorities ?? []).map(textOf);
  return {
    rcode: packet.rcode,
    answers: (packet.answers ?? []).map((a) => `${a.name === name ? '' : `${a.name} `}${textOf(a)}`),
    ...(authority.length > 0 ? { authority } : {}),
  };
}

const soa = ['SOA ns.dns.cluster.local 5'];
const found = (...answers: string[]): Asked => ({ rcode: 'NOERROR', answers });
const nothing: Asked = { rcode: 'NOERROR', answers: [], authority: soa };
const absent: Asked = { rcode: 'NXDOMAIN', answers: [], authority: soa };

const rows: [string, RecordType, Asked][] = [
  ['kubernetes.default.svc.cluster.local', 'A', found('A 10.43.0.1')],
  ['KUBERNETES.Default.svc.cluster.LOCAL', 'A', found('A 10.43.0.1')],
  ['kubernetes.default.svc.cluster.local', 'AAAA', nothing],
  ['dual.default.svc.cluster.local', 'AAAA', found('AAAA fd43::2')],
  [
    '_https._tcp.kubernetes.default.svc.cluster.local',
    'SRV',
    found('SRV 0 100 443 kubernetes.default.svc.cluster.local'),
  ],
  ['_https._udp.kubernetes.default.svc.cluster.local', 'SRV', absent],
  ['set.default.svc.cluster.local', 'A', found('A 10.42.0.5', 'A 10.42.1.6')],
  ['set-0.set.default.svc.cluster.local', 'A', found('A 10.42.0.5')],
  ['10-42-1-6.set.default.svc.cluster.local', 'A', found('A 10.42.1.6')],
  ['set-2.set.default.svc.cluster.local', 'A', absent],
  [
    '_http._tcp.set.default.svc.cluster.local',
    'SRV',
    found('SRV 0 50 8080 set-0.set.default.svc.cluster.local', 'SRV 0 50 8080 10-42-1-6.set.default.svc.cluster.local'),
  ],
  ['empty.default.svc.cluster.local', 'A', absent],
  ['nothing.default.svc.cluster.local', 'A', absent],
  ['pod-0.kubernetes.default.svc.cluster.local', 'A', absent],
  ['default.svc.cluster.local', 'A', nothing],
  ['absent.svc.cluster.local', 'A', absent],
  ['svc.cluster.local', 'A', nothing],
  ['cluster.local', 'SOA', found('SOA ns.dns.cluster.local 5')],
  ['cluster.local', 'NS', found('NS ns.dns.cluster.local')],
  ['ns.dns.cluster.local', 'A', found('A 10.43.0.10')],
  ['dns-version.cluster.local', 'TXT', found('TXT 1.1.0')],
  ['10-42-0-5.default.pod.cluster.local', 'A', found('A 10.42.0.5')],
  ['10-42-0-500.default.pod.cluster.local', 'A', absent],
  ['www.example.com.default.svc.cluster.local', 'A', absent],
  ['1.0.43.10.in-addr.arpa', 'PTR', found('PTR kubernetes.default.svc.cluster.local')],
  ['5.0.42.10.in-addr.arpa', 'PTR', found('PTR set-0.set.default.svc.cluster.local')],
  ['6.1.42.10.in-addr.arpa', 'PTR', found('PTR 10-42-1-6.set.default.svc.cluster.local')],
  ['9.9.43.10.in-addr.arpa', 'PTR', absent],
  [
    '2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.4.d.f.ip6.arpa',
    'PTR',
    found('PTR dual.default.svc.cluster.local'),
  ],
  ['alias.default.svc.cluster.local', 'CNAME', found('CNAME www.example.com')],
  ['alias.default.svc.cluster.local', 'A', found('CNAME www.example.com', 'www.example.com A 192.0.2.1')],
  [
    'inner-alias.default.svc.cluster.local',
    'A',
    found('CNAME dual.default.svc.cluster.local', 'dual.default.svc.cluster.local A 10.43.0.2'),
  ],
  ['example.org', 'A', found('A 192.0.2.1')],
  ['node-1', 'A', found('A 192.168.0.4')],
  ['node-1', 'AAAA', found('AAAA fd00::4')],
];

for (const [name, type, wanted] of rows)
  test(`${type} ${name}`, async () => {
    assert.deepStrictEqual(await ask(name, type), wanted);
  });
