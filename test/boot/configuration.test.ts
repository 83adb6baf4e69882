import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import type { CloudConfig } from '../../cloud-config/schema.ts';
import { until } from '../../images/machine/cluster.ts';
import { freePort, loginKey, type Machine } from '../../images/machine/machine.ts';
import { createAuthority } from '../../src/pki/certificate.ts';
import { patienceMs, testImage, testMachine } from '../harness/vm.ts';

// What a machine makes of the keys of its configuration, and that it gets them from OpenStack's disk and from a server.
const mac = '52:54:00:77:00:01';
const user = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbcdefghijklmnopqrstuvwxyz0123456789ABCDEFG ada';

const config = (authority: string): CloudConfig => ({
  hostname: 'furnished',
  network: {
    ethernets: { second: { match: { macaddress: mac }, 'set-name': 'second' } },
    bonds: {
      pair: {
        interfaces: ['second'],
        parameters: { mode: 'active-backup', 'mii-monitor-interval': 100 },
        addresses: ['10.77.0.7/24', 'fd77::7/64'],
        routes: [{ to: '10.78.0.0/16', via: '10.77.0.1' }],
        nameservers: { addresses: ['10.77.0.53'], search: ['lan.example'] },
        mtu: 1400,
      },
    },
    vlans: { storage: { id: 30, link: 'pair', addresses: ['10.30.0.7/24'] } },
    bridges: { inner: { interfaces: ['storage'], addresses: ['10.31.0.7/24'] } },
  },
  mounts: [
    { device: '/dev/disk/by-id/virtio-data', path: '/var/lib/volumes', format: 'ext4', label: 'volumes' },
    { device: '/dev/disk/by-label/absent', path: '/var/absent', type: 'ext4' },
  ],
  swap: { size: '32M' },
  users: [
    {
      name: 'ada',
      uid: 2001,
      groups: ['sudo'],
      sudo: ['ALL=(ALL) NOPASSWD:ALL'],
      ssh_authorized_keys: [user],
    },
  ],
  ca_certs: { trusted: [authority] },
  registries: { mirrors: { 'docker.io': { endpoint: ['https://registry.example'] } } },
  proxy: { http: 'http://proxy.example:3128', no_proxy: ['.example'] },
  write_files: [
    {
      path: '/etc/packed',
      content: gzipSync('hello\n').toString('base64'),
      encoding: 'gz+b64',
      permissions: '0640',
      owner: 'ada',
    },
  ],
  boot_cmd: ['test ! -e /run/containerd/containerd.sock; echo before the services > /run/boot-command'],
  run_cmd: ['echo when the network is up > /run/run-command'],
  k3os: {
    ntp_servers: ['time.example'],
    dns_nameservers: ['192.0.2.53'],
    modules: ['dummy numdummies=2'],
    sysctls: { 'net.ipv4.ip_local_port_range': '20000 30000' },
    environment: { KNARR_TEST_WORD: 'in the daemon' },
    taints: ['dedicated=db:PreferNoSchedule'],
    k3s_args: ['--node-label', 'from=arguments'],
    password: 'rancher',
  },
});

let machine: Machine;
let authority: string;

before(async () => {
  authority = (await createAuthority('our own')).certificate;
  machine = await testMachine({
    name: 'configuration',
    image: await testImage(),
    data: true,
    seedKind: 'configdrive',
    lan: { port: await freePort(), mac },
    config: config(authority),
  });
});

after(async () => {
  if (process.env.KNARR_KEEP === undefined) await machine?.remove();
});

/** What a command on `where` says, as soon as somebody can log in there. */
const said = (where: Machine, command: string): Promise<string> =>
  until(`an answer to ${command}`, patienceMs, async () => (await where.ssh(command)).stdout.trim(), {
    machine: where,
  });

test('the network is as the configuration says: bond, VLAN, bridge, addresses, routes, servers', async () => {
  await machine.start();
  assert.equal(await said(machine, 'cat /run/run-command'), 'when the network is up');
  const links = JSON.parse(await said(machine, 'ip -json -details address')) as {
    ifname: string;
    mtu: number;
    master?: string;
    link?: string;
    linkinfo?: { info_kind?: string; info_data?: { mode?: string; id?: number } };
    addr_info: { local: string; prefixlen: number; scope: string }[];
  }[];
  const shown = Object.fromEntries(
    links.map(({ ifname, mtu, master, link, linkinfo, addr_info }) => {
      const kind = [linkinfo?.info_kind, linkinfo?.info_data?.mode ?? linkinfo?.info_data?.id];
      const global = addr_info.filter(({ scope }) => scope === 'global');
      return [ifname, [...kind, mtu, master ?? link, ...global.map((one) => `${one.local}/${one.prefixlen}`)]];
    }),
  );
  assert.deepStrictEqual(
    { second: shown.second?.slice(3), pair: shown.pair, storage: shown.storage?.slice(0, 2), inner: shown.inner },
    {
      second: ['pair'],
      pair: ['bond', 'active-backup', 1400, undefined, '10.77.0.7/24', 'fd77::7/64'],
      storage: ['vlan', 30],
      inner: ['bridge', undefined, 1400, undefined, '10.31.0.7/24'],
    },
  );
  assert.match(await said(machine, 'ip route'), /^10\.78\.0\.0\/16 via 10\.77\.0\.1 dev pair/m);
  const resolved = await said(machine, 'resolvectl status pair; cat /etc/systemd/resolved.conf.d/*');
  assert.match(resolved, /10\.77\.0\.53.*lan\.example.*FallbackDNS=192\.0\.2\.53/s);
});

test('so are disks, swap, people, trust, registries and what the daemon is given', async () => {
  const answers = async (commands: Readonly<Record<string, string>>): Promise<Record<string, string>> => {
    const script = Object.values(commands).join('; echo ---; ');
    const parts = (await said(machine, `sudo sh -c '${script}'`)).split(/^---\n?/m);
    return Object.fromEntries(Object.keys(commands).map((name, index) => [name, (parts[index] ?? '').trim()]));
  };
  assert.deepStrictEqual(
    await answers({
      swap: 'cat /proc/swaps | tail -n 1 | cut -d " " -f 1',
      ada: 'id -un 2001; id -Gn ada; sudo -u ada sudo -n id -u',
      key: 'cat /run/knarr/ssh/ada',
      packed: 'cat /etc/packed; stat -c "%U %a" /etc/packed',
      early: 'cat /run/boot-command',
      modules: 'ls /sys/class/net | grep -c dummy',
      sysctl: 'cat /proc/sys/net/ipv4/ip_local_port_range',
      time: 'cat /etc/systemd/timesyncd.conf.d/*',
      hostname: 'cat /proc/sys/kernel/hostname',
    }),
    {
      swap: '/var/swap',
      ada: 'ada\nada sudo\n0',
      key: user,
      packed: 'hello\nada 640',
      early: 'before the services',
      modules: '2',
      sysctl: '20000\t30000',
      time: '[Time]\nFallbackNTP=time.example',
      hostname: 'furnished',
    },
  );
  assert.ok((await said(machine, 'cat /etc/ssl/certs/ca-certificates.crt')).includes(authority.trim()));
  assert.match(await said(machine, 'sudo cat /etc/rancher/k3s/registries.yaml'), /docker\.io:.*registry\.example/s);
  const environ = "sudo sh -c 'tr \\\\0 \\\\n < /proc/$(systemctl show -P MainPID knarr)/environ'";
  await until('the daemon with its environment', patienceMs, async () => {
    const lines = (await machine.ssh(environ)).stdout.split('\n');
    for (const line of ['KNARR_TEST_WORD=in the daemon', 'HTTPS_PROXY=http://proxy.example:3128'])
      assert.ok(lines.includes(line), `${line} is not in\n${lines.join('\n')}`);
    return true;
  });
  assert.equal(await said(machine, 'findmnt -no FSTYPE,LABEL /var/lib/volumes'), 'ext4 volumes');
  // a disk that is not there keeps nothing from starting
  assert.match(await said(machine, 'systemctl is-active var-absent.mount || true'), /^(inactive|failed)$/);
});

test('a machine without a disk for it gets its configuration from a server', async () => {
  // an emulated machine is never idle
  if (process.env.KNARR_KEEP === undefined) await machine.remove();
  const { publicKey } = await loginKey();
  const userData = { ssh_authorized_keys: [publicKey], run_cmd: ['echo done > /run/served'] };
  const documents: Readonly<Record<string, string>> = {
    '/seed/meta-data': 'instance-id: served\nlocal-hostname: from-metadata\n',
    '/seed/user-data': `#cloud-config\n${stringify(userData)}`,
  };
  const server = createServer(({ url = '' }, response) => {
    const body = documents[url];
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // the machine sees this one's loopback under that address
  const cmdline = `ds=nocloud;s=http://10.0.2.2:${port}/seed/`;
  const served = await testMachine({ name: 'served', image: await testImage(), seedless: true, cmdline });
  try {
    await served.start();
    assert.equal(await said(served, 'cat /run/served'), 'done');
    assert.equal(await said(served, 'cat /proc/sys/kernel/hostname'), 'from-metadata');
  } finally {
    server.close();
    if (process.env.KNARR_KEEP === undefined) await served.remove();
  }
});
