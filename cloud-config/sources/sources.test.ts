import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Host } from '../host.ts';
import { mergeConfigs } from '../merge.ts';
import { askSources, configsOf, dataSources } from './cloud.ts';
import { fetchHttp, type Http } from './http.ts';

type Page = string | ((request: IncomingMessage) => string | undefined);

/** A cloud: what it answers by method and path; anything else is 404. */
async function cloud(t: TestContext, pages: Record<string, Page>): Promise<{ http: Http; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = `${request.method === 'GET' ? '' : `${request.method} `}${request.url}`;
    asked.push(name);
    const page = pages[name];
    const body = typeof page === 'function' ? page(request) : page;
    response.writeHead(page === undefined ? 404 : body === undefined ? 401 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http: Http = (url, given) => {
    const { localPorts: _, ...rest } = given ?? {};
    return fetchHttp(url.replace(/^https?:\/\/[^/]+/, base), rest);
  };
  return { http, asked };
}

async function folder(
  t: TestContext,
  files: Record<string, string | Buffer>,
  run: Host['run'] = async () => ({ code: 0, stdout: '', stderr: '' }),
): Promise<Host> {
  const root = await mkdtemp(join(tmpdir(), 'knarr-source-'));
  t.after(() => rm(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return { path: (path) => join(root, path), run };
}

const guarded =
  (header: string, value: string, body: string): Page =>
  (request) =>
    request.headers[header] === value ? body : undefined;
const aws = (body: string): Page => guarded('x-aws-ec2-metadata-token', 'T', body);
const google = (body: string): Page => guarded('metadata-flavor', 'Google', body);
const gcp = '/computeMetadata/v1';
const userData = '#cloud-config\nk3os: {token: x}\n';
const coded = Buffer.from(userData).toString('base64');
const openStackMeta = JSON.stringify({ uuid: 'i', hostname: 'h', public_keys: { mine: 'ssh-ed25519 A\n' } });

/** Each cloud as its hardware names it and as it answers; all of them say the same. */
const clouds: Record<string, { dmi: Record<string, string>; pages: Record<string, Page>; named?: string }> = {
  aws: {
    dmi: { sys_vendor: 'Amazon EC2' },
    pages: {
      'PUT /latest/api/token': guarded('x-aws-ec2-metadata-token-ttl-seconds', '300', 'T'),
      '/latest/meta-data/instance-id': aws('i'),
      '/latest/meta-data/local-hostname': aws('h'),
      '/latest/meta-data/public-keys/': aws('0=mine'),
      '/latest/meta-data/public-keys/0/openssh-key': aws('ssh-ed25519 A'),
      '/latest/user-data': aws(userData),
    },
  },
  gcp: {
    dmi: { product_name: 'Google Compute Engine' },
    pages: {
      [`${gcp}/instance/id`]: google('i'),
      [`${gcp}/instance/hostname`]: google('h'),
      [`${gcp}/instance/attributes/user-data`]: google(userData),
      [`${gcp}/project/attributes/ssh-keys`]: google(
        'me:ssh-ed25519 A\nold:ssh-rsa B google-ssh {"userName":"x","expireOn":"2018-01-01T00:00:00+0000"}',
      ),
    },
  },
  azure: {
    dmi: { chassis_asset_tag: '7783-7084-3265-9085-8269-3286-77' },
    pages: {
      '/metadata/instance?api-version=2021-08-01&format=json': guarded(
        'metadata',
        'true',
        JSON.stringify({
          compute: {
            vmId: 'i',
            osProfile: { computerName: 'h' },
            publicKeys: [{ keyData: 'ssh-ed25519 A' }],
            userData: coded,
          },
        }),
      ),
      '/machine/?comp=goalstate':
        '<GoalState><Incarnation>1</Incarnation><Container><ContainerId>c</ContainerId><InstanceId>r</InstanceId></Container></GoalState>',
      'POST /machine?comp=health': 'ok',
    },
  },
  openstack: {
    dmi: { product_name: 'OpenStack Nova' },
    pages: { '/openstack/latest/meta_data.json': openStackMeta, '/openstack/latest/user_data': userData },
  },
  digitalocean: {
    dmi: { sys_vendor: 'DigitalOcean' },
    pages: {
      '/metadata/v1.json': JSON.stringify({
        droplet_id: 1,
        hostname: 'h',
        user_data: userData,
        public_keys: ['ssh-ed25519 A'],
      }),
    },
  },
  hetzner: {
    dmi: { sys_vendor: 'Hetzner' },
    pages: {
      '/hetzner/v1/metadata': 'hostname: h\ninstance-id: 7\npublic-keys:\n- ssh-ed25519 A\n',
      '/hetzner/v1/userdata': userData,
    },
  },
  scaleway: {
    dmi: { sys_vendor: 'Scaleway' },
    pages: {
      '/conf?format=json': JSON.stringify({ id: 'i', hostname: 'h', ssh_public_keys: [{ key: 'ssh-ed25519 A' }] }),
      '/user_data/cloud-init': userData,
    },
  },
  vultr: {
    dmi: { sys_vendor: 'Vultr' },
    pages: {
      '/v1.json': JSON.stringify({ 'instance-v2-id': 'i', hostname: 'h', 'public-keys': 'ssh-ed25519 A\n' }),
      '/latest/user-data': userData,
    },
  },
  packet: {
    dmi: {},
    named: 'packet',
    pages: {
      '/metadata': JSON.stringify({ id: 'i', hostname: 'h', ssh_keys: ['ssh-ed25519 A'] }),
      '/userdata': userData,
    },
  },
  'nocloud by the serial number': {
    dmi: { product_serial: 'ds=nocloud;s=http://10.0.2.2:8000/seed/' },
    pages: {
      '/seed/user-data': userData,
      '/seed/meta-data': 'instance-id: i\nlocal-hostname: h\npublic-keys: [ssh-ed25519 A]\n',
    },
  },
};

for (const [name, { dmi, pages, named }] of Object.entries(clouds))
  test(`${name} over HTTP`, async (t) => {
    const host = await folder(
      t,
      Object.fromEntries(Object.entries(dmi).map(([k, v]) => [`/sys/class/dmi/id/${k}`, `${v}\n`])),
    );
    const { http, asked } = await cloud(t, pages);
    const { data, problems } = await askSources({ host, http, named: named ? [named] : undefined, network: true });
    assert.deepStrictEqual(problems, []);
    assert.ok(data);
    assert.deepStrictEqual(mergeConfigs(configsOf(data).map(({ config }) => config)), {
      hostname: 'h',
      ssh_authorized_keys: ['ssh-ed25519 A'],
      k3os: { token: 'x' },
    });
    if (name === 'azure') assert.ok(asked.includes('POST /machine?comp=health'));
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

test('every name of k3os.data_sources is a source', async () => {
  const { sourceNames } = await import('../keys/k3os.ts');
  assert.deepStrictEqual(
    [...new Set(dataSources.map(({ name }) => name))].sort(),
    sourceNames.filter((name) => name !== 'cdrom').sort(),
  );
});
