import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Host } from '../host.ts';
import { mergeConfigs } from '../merge.ts';
import { renderProblem } from '../schema.ts';
import { askSources, configsOf, dataSources } from './cloud.ts';
import { parseNetworkConfig } from './network-config.ts';
import { folder } from './testing.ts';

const userData = '#cloud-config\nk3os: {token: x}\n';
const coded = Buffer.from(userData).toString('base64');
const openStackMeta = JSON.stringify({ uuid: 'i', hostname: 'h', public_keys: { mine: 'ssh-ed25519 A\n' } });

/** An image whose label can be read; what it holds is in the folder where it would be mounted. */
function labelled(label: string): Buffer {
  const image = Buffer.alloc(34816);
  image.write('CD001', 32769);
  image.write(label.padEnd(32), 32808);
  return image;
}

const structure = (texts: readonly string[]): Buffer =>
  Buffer.concat([Buffer.from([11, 5, 0, 0, texts.length]), Buffer.from(`${texts.join('\0')}\0\0`)]);
const meta = 'instance-id: i\nlocal-hostname: h\npublic-keys: {mine: ssh-ed25519 A}\n';
const guest: Record<string, string> = {
  userdata: gzipSync(userData).toString('base64'),
  'userdata.encoding': 'gzip+base64',
  metadata: meta,
};

const local: Record<string, { files: Record<string, string | Buffer>; run?: Host['run'] }> = {
  'NoCloud disk': {
    files: {
      '/sys/class/block/vdb': '',
      '/dev/vdb': labelled('CIDATA'),
      '/run/knarr/seed/user-data': userData,
      '/run/knarr/seed/meta-data': meta,
    },
  },
  'NoCloud folder': {
    files: { '/var/lib/cloud/seed/nocloud/user-data': userData, '/var/lib/cloud/seed/nocloud/meta-data': meta },
  },
  'config drive': {
    files: {
      '/sys/class/block/sr0': '',
      '/dev/sr0': labelled('config-2'),
      '/run/knarr/seed/openstack/latest/meta_data.json': openStackMeta,
      '/run/knarr/seed/openstack/latest/user_data': userData,
    },
  },
  fw_cfg: {
    files: {
      '/sys/class/dmi/id/sys_vendor': 'QEMU',
      '/sys/firmware/qemu_fw_cfg/by_name/opt/knarr/user-data/raw': userData,
      '/sys/firmware/qemu_fw_cfg/by_name/opt/knarr/meta-data/raw': meta,
    },
  },
  'SMBIOS texts': {
    files: {
      '/sys/firmware/dmi/entries/11-0/raw': structure([
        'other',
        `io.systemd.credential.binary:knarr.user-data=${coded}`,
        `io.systemd.credential:knarr.meta-data=${meta}`,
      ]),
    },
  },
  'VMware guestinfo': {
    files: { '/sys/class/dmi/id/product_name': 'VMware7,1' },
    run: async (_program, [command = '']) => {
      const value = guest[command.replace('info-get guestinfo.', '')];
      return { code: value === undefined ? 1 : 0, stdout: value === undefined ? '' : `${value}\n`, stderr: '' };
    },
  },
};

for (const [name, { files, run }] of Object.entries(local))
  test(`${name} before there is a network`, async (t) => {
    const { data, problems } = await askSources({
      host: await folder(t, files, run),
      named: undefined,
      network: false,
    });
    assert.deepStrictEqual(problems, []);
    assert.ok(data);
    assert.deepStrictEqual(mergeConfigs(configsOf(data).map(({ config }) => config)), {
      hostname: 'h',
      ssh_authorized_keys: ['ssh-ed25519 A'],
      k3os: { token: 'x' },
    });
  });

test('the provisioning disc of Azure has the custom data', async () => {
  const { ovfData } = await import('./azure.ts');
  const xml = `<ns0:Environment xmlns:ns0="a"><ns1:HostName>h</ns1:HostName><ns1:CustomData>${coded}</ns1:CustomData></ns0:Environment>`;
  assert.deepStrictEqual(ovfData(xml), { from: 'azure', hostname: 'h', userData: Buffer.from(userData) });
});

test('network-config of version 1 becomes version 2', () => {
  const text = `version: 1
config:
- {type: physical, name: eth0, mac_address: '52:54:00:12:34:56', subnets: [{type: static, address: 10.0.0.5, netmask: 255.255.255.0, gateway: 10.0.0.1}]}
- {type: nameserver, address: [9.9.9.9], search: [example]}
`;
  const [, , network] = [...configsOf({ from: 'x', vendorData: Buffer.from(''), network: text })];
  assert.deepStrictEqual(network, {
    config: {
      network: {
        version: '2',
        ethernets: {
          eth0: {
            match: { macaddress: '52:54:00:12:34:56' },
            'set-name': 'eth0',
            addresses: ['10.0.0.5/24'],
            routes: [{ to: 'default', via: '10.0.0.1' }],
            nameservers: { addresses: ['9.9.9.9'], search: ['example'] },
          },
        },
      },
    },
    problems: [],
  });
});

for (const [form, text, expected] of [
  [
    'version 1',
    'version: 1\nconfig:\n- {type: physical, name: eth0, subnets: [{type: dhcp}]}\n- type: physical\n  name: eth1\n  subnets: [{type: static, address: 10.0.0.500/24}]\n',
    'x: network-config:4:3: network.ethernets.eth1.addresses[0]: must be',
  ],
  [
    'version 2',
    'version: 2\nethernets:\n  eth1: {addresses: [10.0.0.500/24]}\n',
    'x: network-config:3:22: network.ethernets.eth1.addresses[0]: must be',
  ],
  [
    'version 2 under its key',
    'network:\n  version: 2\n  ethernets:\n    eth1: {addresses: [10.0.0.500/24]}\n',
    'x: network-config:4:24: network.ethernets.eth1.addresses[0]: must be',
  ],
] as const)
  test(`a mistake in a network-config of ${form} is told where it stands`, () => {
    const problems = configsOf({ from: 'x', network: text }).flatMap((part) => part.problems);
    assert.deepStrictEqual(
      problems.map((problem) => renderProblem(problem).slice(0, expected.length)),
      [expected],
    );
  });

test('bonds, bridges and routes of version 1 are those of version 2', () => {
  const { config, problems } = parseNetworkConfig(
    'x',
    `network:
  version: 1
  config:
  - {type: loopback, name: lo}
  - type: bond
    name: bond0
    mac_address: '52:54:00:12:34:56'
    bond_interfaces: [a, b]
    params: {bond-mode: 4, bond_miimon: 200, bond-lacp-rate: fast, bond-xmit-hash-policy: layer3+4}
    subnets:
    - type: static
      address: 10.0.0.5
      netmask: 255.255.0.0
      routes: [{network: 10.9.0.0, netmask: 255.255.0.0, gateway: 10.0.0.9, metric: 3}, {destination: 10.8.0.0/16, gateway: 10.0.0.8}]
    - {type: static6, address: 'fd00::5'}
  - {type: bridge, name: br0, bridge_interfaces: [c], params: {bridge_stp: 'off', bridge_fd: 2}, subnets: [{type: ipv6_slaac}]}
`,
  );
  assert.deepStrictEqual(
    [config.network?.bonds, config.network?.bridges, problems],
    [
      {
        bond0: {
          macaddress: '52:54:00:12:34:56',
          interfaces: ['a', 'b'],
          parameters: {
            mode: '802.3ad',
            'mii-monitor-interval': 200,
            'lacp-rate': 'fast',
            'transmit-hash-policy': 'layer3+4',
          },
          addresses: ['10.0.0.5/16', 'fd00::5/64'],
          routes: [
            { metric: 3, via: '10.0.0.9', to: '10.9.0.0/16' },
            { via: '10.0.0.8', to: '10.8.0.0/16' },
          ],
        },
      },
      { br0: { 'accept-ra': true, interfaces: ['c'], parameters: { stp: false, 'forward-delay': 2 } } },
      [],
    ],
  );
});

test('what a network-config says that is not understood is told of', () => {
  const told = (text: string): string[] => parseNetworkConfig('x', text).problems.map(renderProblem);
  assert.deepStrictEqual(told('ethernets: {a: [}\n').length > 0, true);
  assert.deepStrictEqual(told('hello\n'), ['x:1:1: network: must be a map, not a text']);
  assert.deepStrictEqual(told('- a\n'), ['x:1:1: network: must be a map, not a list']);
  assert.deepStrictEqual(told('network: {config: disabled}\n'), []);
  assert.deepStrictEqual(
    told(
      'version: 1\nconfig:\n- {type: infiniband, name: ib0}\n- {type: physical, name: a, subnets: [{type: ppp}]}\n- {type: bond, name: b, bond_interfaces: [a], params: {bond-magic: 1}}\n',
    ),
    [
      'x:3:3: network.infiniband: unknown key, left out',
      'x:4:3: network.ethernets.a.subnets of type ppp: unknown key, left out',
      'x:5:3: network.bonds.b.parameters.bond-magic: unknown key, left out',
    ],
  );
});

test('every name of k3os.data_sources is a source', async () => {
  const { sourceNames } = await import('../keys/k3os.ts');
  assert.deepStrictEqual(
    [...new Set(dataSources.map(({ name }) => name))].sort(),
    sourceNames.filter((name) => name !== 'cdrom').sort(),
  );
});
