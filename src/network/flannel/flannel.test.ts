import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../api/gen/core-v1.ts';
import { cniConflist } from '../cni.ts';
import { annotationPatch, type Lease, leasesOf } from './annotations.ts';
import { masqueradeRules } from './masquerade.ts';
import { hostGatewayCommands, vxlanCommands } from './peers.ts';
import { subnetEnv } from './subnet-env.ts';
import { isSameDevice, stableMac } from './vxlan-device.ts';

const lease = (more: Partial<Lease> = {}): Lease => ({
  nodeName: 'two',
  family: 4,
  podCidr: '10.42.1.0/24',
  publicIp: '192.168.0.2',
  backendType: 'vxlan',
  vtepMac: '02:00:00:00:00:02',
  vni: 1,
  ...more,
});
const words = (commands: readonly (readonly string[])[]): string[] => commands.map((c) => c.join(' '));
const nothing = { routes: [], neighbours: [], fdb: [] };
const complete = {
  routes: [{ dst: '10.42.1.0/24', gateway: '10.42.1.0', flags: ['onlink'] }],
  neighbours: [{ dst: '10.42.1.0', lladdr: '02:00:00:00:00:02', state: ['PERMANENT'] }],
  fdb: [{ mac: '02:00:00:00:00:02', dst: '192.168.0.2' }],
};

test('a node written by flannel is read as it means it', () => {
  const node: Node = {
    metadata: {
      name: 'two',
      annotations: {
        'flannel.alpha.coreos.com/kube-subnet-manager': 'true',
        'flannel.alpha.coreos.com/backend-type': 'vxlan',
        'flannel.alpha.coreos.com/backend-data': '{"VNI":1,"VtepMAC":"02:00:00:00:00:02"}',
        'flannel.alpha.coreos.com/public-ip': '192.168.0.2',
      },
    },
    spec: { podCIDR: '10.42.1.0/24', podCIDRs: ['10.42.1.0/24', 'fd42:0:0:1::/64'] },
  };
  assert.deepStrictEqual(leasesOf(node), [lease()]);
  assert.deepStrictEqual(leasesOf({ ...node, metadata: { name: 'two' } }), []);
  const broken = { ...node.metadata.annotations, 'flannel.alpha.coreos.com/backend-data': '{"VtepMAC":"; rm -rf"}' };
  assert.equal(leasesOf({ ...node, metadata: { name: 'two', annotations: broken } })[0]?.vtepMac, undefined);
});

test('annotations are patched only where they differ, and an overwritten address is kept', () => {
  const say = {
    backendType: 'vxlan',
    vni: 1,
    own: [{ family: 4 as const, ip: '192.168.0.2', mac: '02:00:00:00:00:02' }],
  };
  const node: Node = { metadata: { annotations: { 'flannel.alpha.coreos.com/public-ip-overwrite': '203.0.113.2' } } };
  const patch = annotationPatch(node, say);
  assert.equal(patch?.['flannel.alpha.coreos.com/public-ip'], '203.0.113.2');
  const done: Node = { metadata: { annotations: { ...node.metadata.annotations, ...patch } } };
  assert.equal(annotationPatch(done, say), undefined);
});

test('VXLAN: what lacks is added in the order in which it is needed, what is there is left', () => {
  const made = vxlanCommands('flannel.1', [lease()], nothing);
  assert.deepStrictEqual(
    [words(made.bridge), words(made.ip)],
    [
      ['fdb append 02:00:00:00:00:02 dev flannel.1 dst 192.168.0.2 self permanent'],
      [
        'neigh replace 10.42.1.0 lladdr 02:00:00:00:00:02 dev flannel.1 nud permanent',
        'route replace 10.42.1.0/24 via 10.42.1.0 dev flannel.1 onlink',
      ],
    ],
  );
  assert.deepStrictEqual(vxlanCommands('flannel.1', [lease()], complete), { ip: [], bridge: [] });
  assert.deepStrictEqual(vxlanCommands('flannel.1', [lease({ vtepMac: undefined })], nothing), { ip: [], bridge: [] });
});

test('VXLAN: a node that left goes; one that moved to another machine is followed', () => {
  const gone = vxlanCommands('flannel.1', [], complete);
  assert.deepStrictEqual(
    [words(gone.bridge), words(gone.ip)],
    [
      ['fdb del 02:00:00:00:00:02 dev flannel.1 dst 192.168.0.2 self'],
      ['route del 10.42.1.0/24 dev flannel.1', 'neigh del 10.42.1.0 dev flannel.1'],
    ],
  );
  const moved = vxlanCommands('flannel.1', [lease({ publicIp: '192.168.0.9' })], complete);
  assert.deepStrictEqual(
    [words(moved.bridge), words(moved.ip)],
    [
      [
        'fdb del 02:00:00:00:00:02 dev flannel.1 dst 192.168.0.2 self',
        'fdb append 02:00:00:00:00:02 dev flannel.1 dst 192.168.0.9 self permanent',
      ],
      [],
    ],
  );
});

test('host-gw: only routes into the cluster’s network are touched', () => {
  const routes = [
    { dst: 'default', gateway: '192.168.0.254', flags: [] },
    { dst: '10.42.7.0/24', gateway: '192.168.0.7', flags: [] },
    { dst: '10.99.0.0/24', gateway: '192.168.0.7', flags: [] },
    { dst: '192.168.0.0/24', flags: [] },
  ];
  const { ip } = hostGatewayCommands('eth0', [lease()], { ...nothing, routes }, ['10.42.0.0/16']);
  assert.deepStrictEqual(words(ip), [
    'route del 10.42.7.0/24 dev eth0',
    'route replace 10.42.1.0/24 via 192.168.0.2 dev eth0',
  ]);
});

test('the VXLAN device: a hardware address that stays, and what makes it another device', () => {
  const mac = stableMac('one', 'flannel.1');
  assert.match(mac, /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
  assert.equal(mac, stableMac('one', 'flannel.1'));
  assert.notEqual(mac, stableMac('two', 'flannel.1'));
  const parent = { ifname: 'eth0', ifindex: 2, mtu: 1500, flags: [], addresses: [] };
  const wanted = { name: 'flannel.1', vni: 1, port: 8472, parent, local: '192.168.0.1' };
  const data = { id: 1, port: 8472, link: 'eth0', local: '192.168.0.1', learning: false };
  const link = (more: object, kind = 'vxlan') => ({
    ...parent,
    linkinfo: { info_kind: kind, info_data: { ...data, ...more } },
  });
  assert.equal(isSameDevice(link({}), wanted), true);
  for (const other of [link({ id: 2 }), link({ local: '192.168.0.9' }), link({ link: 'eth1' }), link({}, 'dummy')])
    assert.equal(isSameDevice(other, wanted), false);
});

test('pods keep their address inside the cluster and take the node’s outside', () => {
  const options = {
    family: 4 as const,
    podCidr: '10.42.0.0/24',
    clusterCidrs: ['10.42.0.0/16'],
    outbound: true,
    translateOnBridge: false,
  };
  assert.deepStrictEqual(masqueradeRules(options).chains?.postrouting?.rules, [
    'ip saddr { 10.42.0.0/16 } ip daddr { 10.42.0.0/16 } return',
    'ip daddr 10.42.0.0/24 return',
    'ip saddr { 10.42.0.0/16 } ip daddr != 224.0.0.0/4 masquerade fully-random',
    'ip daddr { 10.42.0.0/16 } fib saddr type local masquerade fully-random',
  ]);
  const bridged = masqueradeRules({ ...options, translateOnBridge: true }).chains?.postrouting?.rules[0];
  assert.equal(bridged, 'ct status dnat ip saddr 10.42.0.0/24 ip daddr 10.42.0.0/24 masquerade fully-random');
});

test('the CNI list and subnet.env of a dual-stack node', () => {
  const podCidrs = ['10.42.0.0/24', 'fd42::/64'];
  const clusterCidrs = ['10.42.0.0/16', 'fd42::/56'];
  const list = cniConflist({
    podCidrs,
    clusterCidrs,
    mtu: 1430,
    ipamDataDir: '/var/lib/cni/networks',
    bandwidth: true,
  });
  assert.deepStrictEqual(list, {
    cniVersion: '1.0.0',
    name: 'cbr0',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        mtu: 1430,
        isDefaultGateway: true,
        forceAddress: true,
        hairpinMode: true,
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: '/var/lib/cni/networks',
          ranges: [[{ subnet: '10.42.0.0/24' }], [{ subnet: 'fd42::/64' }]],
          routes: [{ dst: '10.42.0.0/16' }, { dst: 'fd42::/56' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
      { type: 'bandwidth', capabilities: { bandwidth: true } },
    ],
  });
  assert.equal(
    subnetEnv({ podCidrs: ['10.42.3.0/24'], clusterCidrs: ['10.42.0.0/16'], mtu: 1450 }),
    'FLANNEL_NETWORK=10.42.0.0/16\nFLANNEL_SUBNET=10.42.3.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  );
});
