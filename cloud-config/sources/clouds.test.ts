import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Host } from '../host.ts';
import { mergeConfigs } from '../merge.ts';
import { networkFiles } from '../network/files.ts';
import type { CloudConfig } from '../schema.ts';
import { askSources, configsOf } from './cloud.ts';
import { fetchHttp, type Http } from './http.ts';
import { cloud, folder, type Page } from './testing.ts';

/** Only whoever sends the header with this value gets the page; the others what the cloud says to them. */
const guarded =
  (header: string, value: string, page: string, refusal: readonly [number, string]): Page =>
  (request) =>
    request.headers[header] === value ? page : refusal;

const at = 'http://169.254.169.254';
const userData = '#cloud-config\nk3os: {token: x}\n';
const coded = Buffer.from(userData).toString('base64');

const aws = (page: string): Page => guarded('x-aws-ec2-metadata-token', 'AQAE==', page, [401, 'Unauthorized']);
const google = (page: string): Page => guarded('metadata-flavor', 'Google', page, [403, 'Missing Metadata-Flavor']);
const gcp = `${at}/computeMetadata/v1`;
const openStackMeta = JSON.stringify({
  ...{ uuid: 'i', name: 'h', hostname: 'h', launch_index: 0, availability_zone: 'nova', project_id: 'p' },
  public_keys: { mine: 'ssh-ed25519 A\n' },
  keys: [{ name: 'mine', type: 'ssh', data: 'ssh-ed25519 A\n' }],
});

const azureInstance = (user: object): Page =>
  guarded(
    'metadata',
    'true',
    JSON.stringify({
      compute: {
        ...{ vmId: 'i', name: 'vm', location: 'westeurope', osProfile: { computerName: 'h' } },
        publicKeys: [{ keyData: 'ssh-ed25519 A\r\n', path: '/home/me/.ssh/authorized_keys' }],
        ...user,
      },
      network: { interface: [] },
    }),
    [400, '{"error":"Bad request. Required metadata header not specified"}'],
  );
const wire = (page: (body: string) => string | readonly [number, string]): Page => {
  return (request, body) => (request.headers['x-ms-version'] === '2012-11-30' ? page(body) : [400, 'Bad Request']);
};
const health =
  '<GoalStateIncarnation>1</GoalStateIncarnation><Container><ContainerId>c</ContainerId><RoleInstanceList><Role><InstanceId>r</InstanceId><Health><State>Ready</State></Health></Role></RoleInstanceList></Container>';

interface Cloud {
  /** What the firmware says of the machine. */
  readonly dmi: Readonly<Record<string, string>>;
  readonly pages: Readonly<Record<string, Page>>;
  /** Where a user gave nothing: the pages that are other ones then; null where there is none. */
  readonly without: Readonly<Record<string, Page | null>>;
  readonly named?: string;
  /** What it says of the machine's network. */
  readonly network?: CloudConfig['network'];
}

const digitalOcean = { droplet_id: 1, hostname: 'h', vendor_data: '#cloud-config\n', public_keys: ['ssh-ed25519 A'] };
const vultr = { 'instance-v2-id': 'i', instanceid: '1', hostname: 'h', 'public-keys': ['ssh-ed25519 A'] };
const vultrPage = (more: object): Page =>
  guarded('metadata-token', 'knarr', JSON.stringify({ ...vultr, ...more }), [401, 'Unauthorized']);

const hetznerMetadata = `availability-zone: fsn1-dc14
hostname: h
instance-id: 7
local-ipv4: ''
network-config:
  config:
  - mac_address: 96:00:00:08:19:da
    name: eth0
    subnets:
    - dns_nameservers:
      - 192.0.2.53
      ipv4: true
      type: dhcp
    - address: 2001:db8:7::1/64
      dns_nameservers:
      - 2001:db8::53
      gateway: fe80::1
      ipv6: true
      type: static
    type: physical
  version: 1
network-sysconfig: "DEVICE='eth0'\\nTYPE=Ethernet\\nIPV6ADDR=2001:db8:7::1/64\\n"
public-ipv4: 192.0.2.7
public-keys:
- ssh-ed25519 A
vendor_data: ""
`;

/** Each cloud as its hardware names it and as it answers; all of them say the same. */
const clouds: Readonly<Record<string, Cloud>> = {
  aws: {
    dmi: { sys_vendor: 'Amazon EC2', product_uuid: 'ec2a1b2c-0000-0000-0000-000000000000' },
    pages: {
      [`PUT ${at}/latest/api/token`]: guarded('x-aws-ec2-metadata-token-ttl-seconds', '300', 'AQAE==', [
        400,
        'Bad Request',
      ]),
      [`${at}/latest/meta-data/instance-id`]: aws('i'),
      [`${at}/latest/meta-data/local-hostname`]: aws('h'),
      [`${at}/latest/meta-data/public-keys/`]: aws('0=mine'),
      [`${at}/latest/meta-data/public-keys/0/openssh-key`]: aws('ssh-ed25519 A\n'),
      [`${at}/latest/user-data`]: aws(userData),
    },
    without: { [`${at}/latest/user-data`]: null },
  },
  gcp: {
    dmi: { product_name: 'Google Compute Engine' },
    pages: {
      [`${gcp}/instance/id`]: google('4520031799277581759'),
      [`${gcp}/instance/hostname`]: google('h'),
      [`${gcp}/instance/attributes/user-data`]: google(userData),
      [`${gcp}/project/attributes/ssh-keys`]: google(
        'me:ssh-ed25519 A\nold:ssh-rsa B google-ssh {"userName":"x","expireOn":"2018-01-01T00:00:00+0000"}',
      ),
    },
    without: { [`${gcp}/instance/attributes/user-data`]: null },
  },
  azure: {
    dmi: { sys_vendor: 'Microsoft Corporation', chassis_asset_tag: '7783-7084-3265-9085-8269-3286-77' },
    pages: {
      [`${at}/metadata/instance?api-version=2021-08-01&format=json`]: azureInstance({ userData: coded }),
      'http://168.63.129.16/machine/?comp=goalstate': wire(
        () =>
          '<?xml version="1.0" encoding="utf-8"?><GoalState><Version>2012-11-30</Version><Incarnation>1</Incarnation><Container><ContainerId>c</ContainerId><RoleInstanceList><RoleInstance><InstanceId>r</InstanceId></RoleInstance></RoleInstanceList></Container></GoalState>',
      ),
      'POST http://168.63.129.16/machine?comp=health': wire((body) =>
        body.includes(`<Health>${health}</Health>`) ? 'ok' : [400, 'Bad Request'],
      ),
    },
    without: { [`${at}/metadata/instance?api-version=2021-08-01&format=json`]: azureInstance({ userData: '' }) },
  },
  openstack: {
    dmi: { sys_vendor: 'OpenStack Foundation', product_name: 'OpenStack Nova' },
    pages: {
      [`${at}/openstack/latest/meta_data.json`]: openStackMeta,
      [`${at}/openstack/latest/user_data`]: userData,
    },
    without: { [`${at}/openstack/latest/user_data`]: null },
  },
  digitalocean: {
    dmi: { sys_vendor: 'DigitalOcean', product_name: 'Droplet' },
    pages: { [`${at}/metadata/v1.json`]: JSON.stringify({ ...digitalOcean, user_data: userData }) },
    without: { [`${at}/metadata/v1.json`]: JSON.stringify(digitalOcean) },
  },
  hetzner: {
    dmi: { sys_vendor: 'Hetzner', product_name: 'vServer' },
    pages: {
      [`${at}/hetzner/v1/metadata`]: hetznerMetadata,
      [`${at}/hetzner/v1/userdata`]: userData,
    },
    without: { [`${at}/hetzner/v1/userdata`]: () => [204, ''] },
    network: {
      version: '2',
      ethernets: {
        eth0: {
          match: { macaddress: '96:00:00:08:19:da' },
          dhcp4: true,
          'dhcp-identifier': 'mac',
          addresses: ['2001:db8:7::1/64'],
          routes: [{ to: 'default', via: 'fe80::1' }],
          nameservers: { addresses: ['192.0.2.53', '2001:db8::53'], search: [] },
        },
      },
    },
  },
  scaleway: {
    dmi: { sys_vendor: 'Scaleway' },
    pages: {
      'http://169.254.42.42/conf?format=json': JSON.stringify({
        ...{ id: 'i', name: 'h', hostname: 'h' },
        ssh_public_keys: [{ key: 'ssh-ed25519 A', fingerprint: '256 MD5:00' }],
      }),
      // shown to ports that root alone may have
      'http://169.254.42.42/user_data/cloud-init': (request) =>
        Number(request.headers['x-from-port']) < 1024 ? userData : [403, 'Forbidden'],
    },
    without: { 'http://169.254.42.42/user_data/cloud-init': null },
  },
  vultr: {
    dmi: { sys_vendor: 'Vultr' },
    pages: { [`${at}/v1.json`]: vultrPage({}), [`${at}/latest/user-data`]: userData },
    without: { [`${at}/latest/user-data`]: null },
  },
  'vultr with all in one document': {
    dmi: { sys_vendor: 'Vultr' },
    pages: { [`${at}/v1.json`]: vultrPage({ 'user-data': userData }) },
    without: { [`${at}/v1.json`]: vultrPage({ 'user-data': '' }) },
  },
  packet: {
    dmi: { sys_vendor: 'Dell Inc.' },
    named: 'packet',
    pages: {
      'https://metadata.platformequinix.com/metadata': JSON.stringify({
        ...{ id: 'i', hostname: 'h', plan: 'c3.small.x86', facility: 'am6' },
        ssh_keys: ['ssh-ed25519 A'],
      }),
      'https://metadata.platformequinix.com/userdata': userData,
    },
    without: { 'https://metadata.platformequinix.com/userdata': '' },
  },
  'nocloud by the serial number': {
    dmi: { product_serial: 'ds=nocloud;s=http://10.0.2.2:8000/seed/' },
    pages: {
      'http://10.0.2.2:8000/seed/user-data': userData,
      'http://10.0.2.2:8000/seed/meta-data': 'instance-id: i\nlocal-hostname: h\npublic-keys: [ssh-ed25519 A]\n',
    },
    without: { 'http://10.0.2.2:8000/seed/user-data': '' },
  },
};

const machineWith = (t: TestContext, dmi: Cloud['dmi']): Promise<Host> =>
  folder(
    t,
    Object.fromEntries(Object.entries(dmi).map(([name, value]) => [`/sys/class/dmi/id/${name}`, `${value}\n`])),
  );

for (const [name, { dmi, pages, without, named, network }] of Object.entries(clouds)) {
  const ofMetadata = {
    hostname: 'h',
    ssh_authorized_keys: ['ssh-ed25519 A'],
    ...(network === undefined ? {} : { network }),
  };
  const told = async (t: TestContext, all: Readonly<Record<string, Page>>) => {
    const host = await machineWith(t, dmi);
    const { http, asked } = await cloud(t, all);
    const { data, problems } = await askSources({ host, http, named: named ? [named] : undefined, network: true });
    assert.deepStrictEqual(problems, []);
    assert.ok(data);
    return { config: mergeConfigs(configsOf(data).map(({ config }) => config)), asked };
  };

  test(`${name} over HTTP`, async (t) => {
    const { config, asked } = await told(t, pages);
    assert.deepStrictEqual(config, { ...ofMetadata, k3os: { token: 'x' } });
    // Azure's is asked for what it says, and told that the machine is there
    for (const page of Object.keys(pages)) assert.ok(asked.includes(page), `${page} was not asked for`);
  });

  test(`${name} over HTTP, of a machine without user-data`, async (t) => {
    const left = Object.entries({ ...pages, ...without }).filter((entry): entry is [string, Page] => entry[1] !== null);
    const { config } = await told(t, Object.fromEntries(left));
    assert.deepStrictEqual(config, ofMetadata);
  });
}

test('a port at Hetzner keeps its name and its lease, and gets its address of IPv6', () => {
  assert.deepStrictEqual(networkFiles(clouds.hetzner?.network ?? {}), {
    '50-cloud-config-eth0.network': `[Match]
PermanentMACAddress=96:00:00:08:19:da
Type=ether
Kind=!*

[Network]
DHCP=ipv4
LinkLocalAddressing=ipv6
Address=2001:db8:7::1/64
DNS=192.0.2.53
DNS=2001:db8::53

[Route]
Destination=::/0
Gateway=fe80::1

[DHCPv4]
ClientIdentifier=mac
`,
  });
});

test('a network-config of Hetzner that says no type of its fixed address is the same', async (t) => {
  const host = await machineWith(t, { sys_vendor: 'Hetzner' });
  const { http } = await cloud(t, {
    [`${at}/hetzner/v1/metadata`]: hetznerMetadata.replace('      type: static\n', ''),
    [`${at}/hetzner/v1/userdata`]: '',
  });
  const { data } = await askSources({ host, http, named: undefined, network: true });
  const told = configsOf(data ?? { from: 'nobody' });
  assert.deepStrictEqual(mergeConfigs(told.map(({ config }) => config)).network, clouds.hetzner?.network);
  assert.deepStrictEqual(
    told.flatMap(({ problems }) => problems),
    [],
  );
});

test('a machine at Hetzner without a public network, or one whose network is not told, is left as it is', async (t) => {
  for (const told of ['network-config: {config: [], version: 1}\n', '']) {
    const host = await machineWith(t, { sys_vendor: 'Hetzner' });
    const { http } = await cloud(t, {
      [`${at}/hetzner/v1/metadata`]: `hostname: h\ninstance-id: 7\n${told}`,
      [`${at}/hetzner/v1/userdata`]: '',
    });
    const { data } = await askSources({ host, http, named: undefined, network: true });
    assert.ok(data);
    assert.deepStrictEqual(networkFiles(mergeConfigs(configsOf(data).map(({ config }) => config)).network ?? {}), {});
  }
});

test('a cloud that does not answer is told with what to look at, and a machine of no cloud asks nobody', async (t) => {
  const host = await folder(t, { '/sys/class/dmi/id/sys_vendor': 'Hetzner' });
  const http: Http = (url) => fetchHttp(url.replace(/^http:\/\/[^/]+/, 'http://127.0.0.1:1'));
  const { problems } = await askSources({ host, http, named: undefined, network: true });
  assert.deepStrictEqual(problems, [
    {
      source: 'hetzner',
      key: '',
      message: 'http://127.0.0.1:1/hetzner/v1/metadata: nothing listens there',
    },
  ]);
  const nobody = await askSources({ host: await folder(t, {}), http, named: undefined, network: true });
  assert.deepStrictEqual([nobody.data, nobody.problems], [undefined, []]);
});
