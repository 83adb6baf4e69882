import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createAuthority } from '../../src/pki/certificate.ts';
import type { PhaseName } from '../applier.ts';
import { appliers } from '../appliers.ts';
import type { Host } from '../host.ts';
import { parseKernelArguments } from '../kernel-arguments.ts';
import { networkFiles } from '../network/files.ts';
import { parseCloudConfig } from '../parse.ts';
import type { Http } from '../sources/http.ts';
import { escapePath } from './mounts.ts';
import { createSshKeys } from './ssh-keys.ts';

/** Goes through the appliers of these keys; gives the files that they wrote and what they ran. */
async function applied(
  t: TestContext,
  keys: readonly string[],
  text: string,
  there: Record<string, string> = {},
  phase: PhaseName = 'boot',
): Promise<{ files: Record<string, string>; ran: string[]; host: Host }> {
  const root = await mkdtemp(join(tmpdir(), 'knarr-applied-'));
  t.after(() => rm(root, { recursive: true }));
  for (const [path, content] of Object.entries(there)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  const ran: string[] = [];
  const host: Host = {
    path: (path) => join(root, path),
    run: async (program, args) => {
      ran.push([program, ...args].join(' ').replaceAll(root, ''));
      return { code: program === 'blkid' ? 2 : 0, stdout: '', stderr: '' };
    },
  };
  const { config, problems } = parseCloudConfig('test', text);
  assert.deepStrictEqual(problems, []);
  for (const applier of appliers.filter(({ key }) => keys.includes(key))) await applier.apply(config, host, phase);
  const files: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(root.length);
    if (entry.isFile() && there[path] === undefined) files[path] = await readFile(join(root, path), 'utf8');
  }
  return { files, ran, host };
}

test('network: a static address, a port by its MAC address, routes, name servers', async (t) => {
  const { files } = await applied(
    t,
    ['network'],
    `network:
  version: 2
  ethernets:
    eth0:
      addresses: [10.0.0.5/24, "fd00::5/64"]
      routes: [{to: default, via: 10.0.0.1}, {to: 10.9.0.0/16, via: 10.0.0.2, metric: 50}]
      nameservers: {addresses: [9.9.9.9], search: [example, lan]}
    uplink:
      match: {macaddress: "52:54:00:12:34:56"}
      set-name: uplink
      mtu: 9000
      dhcp4: true
      dhcp4-overrides: {use-dns: false, route-metric: 200}
      optional: true
`,
  );
  assert.deepStrictEqual(files, {
    '/etc/systemd/network/50-cloud-config-eth0.network': `[Match]
Name=eth0

[Network]
DHCP=no
LinkLocalAddressing=ipv6
Address=10.0.0.5/24
Address=fd00::5/64
DNS=9.9.9.9
Domains=example lan

[Route]
Destination=0.0.0.0/0
Gateway=10.0.0.1

[Route]
Destination=10.9.0.0/16
Gateway=10.0.0.2
Metric=50
`,
    '/etc/systemd/network/50-cloud-config-uplink.link': `[Match]
PermanentMACAddress=52:54:00:12:34:56

[Link]
Name=uplink
`,
    '/etc/systemd/network/50-cloud-config-uplink.network': `[Match]
PermanentMACAddress=52:54:00:12:34:56
Type=ether
Kind=!*

[Link]
MTUBytes=9000
RequiredForOnline=no

[Network]
DHCP=ipv4
LinkLocalAddressing=ipv6

[DHCPv4]
UseDNS=no
RouteMetric=200
`,
  });
});

test('network: a VLAN on a bond of two ports; files of a former configuration go', async (t) => {
  const { files, ran, host } = await applied(
    t,
    ['network'],
    `network:
  bonds:
    bond0: {interfaces: [eth0, eth1], dhcp4: true, parameters: {mode: 802.3ad, lacp-rate: fast}}
  vlans:
    vlan7: {id: 7, link: bond0, addresses: [10.7.0.2/24]}
`,
    { '/etc/systemd/network/50-cloud-config-old.network': '', '/etc/systemd/network/10-mine.network': '' },
    'runtime',
  );
  assert.deepStrictEqual(ran, ['networkctl reload']);
  assert.deepStrictEqual((await readdir(host.path('/etc/systemd/network'))).sort(), [
    '10-mine.network',
    '50-cloud-config-bond0.netdev',
    '50-cloud-config-bond0.network',
    '50-cloud-config-eth0.network',
    '50-cloud-config-eth1.network',
    '50-cloud-config-vlan7.netdev',
    '50-cloud-config-vlan7.network',
  ]);
  assert.equal(
    files['/etc/systemd/network/50-cloud-config-bond0.netdev'],
    '[NetDev]\nName=bond0\nKind=bond\n\n[Bond]\nMode=802.3ad\nMIIMonitorSec=100ms\nLACPTransmitRate=fast\n',
  );
  assert.equal(
    files['/etc/systemd/network/50-cloud-config-eth1.network'],
    '[Match]\nName=eth1\n\n[Network]\nDHCP=no\nLinkLocalAddressing=no\nBond=bond0\n',
  );
  assert.match(files['/etc/systemd/network/50-cloud-config-bond0.network'] ?? '', /\nDHCP=ipv4\n[\s\S]*\nVLAN=vlan7\n/);
  assert.equal(
    files['/etc/systemd/network/50-cloud-config-vlan7.netdev'],
    '[NetDev]\nName=vlan7\nKind=vlan\n\n[VLAN]\nId=7\n',
  );
});

test('network: a part of a bond or a VLAN, alone on the command line, keeps no port from its network', () => {
  const line = 'network.bonds[b].mtu=1500 network.vlans[v].id=7 network.ethernets[e].dhcp4';
  assert.deepStrictEqual(Object.keys(networkFiles(parseKernelArguments(line).config.network ?? {})).sort(), [
    '50-cloud-config-b.netdev',
    '50-cloud-config-b.network',
    '50-cloud-config-e.network',
    '50-cloud-config-v.netdev',
    '50-cloud-config-v.network',
  ]);
});

test('mounts: a new disk gets a file system, one with data never; units wait for nobody', async (t) => {
  const { files, ran } = await applied(
    t,
    ['mounts'],
    `mounts: [{device: /dev/vdb, path: /var/lib/my-data, format: ext4, label: '1%"$a\\'}, [LABEL=x, /mnt, auto, "ro"]]\n`,
  );
  assert.deepStrictEqual(ran, [
    'systemctl daemon-reload',
    'systemctl start --no-block var-lib-my\\x2ddata.mount mnt.mount',
  ]);
  assert.deepStrictEqual(files, {
    '/etc/systemd/system/knarr-format-var-lib-my\\x2ddata.service':
      '[Unit]\nDescription=File system for /var/lib/my-data\nDefaultDependencies=no\nBindsTo=dev-vdb.device\nAfter=dev-vdb.device\n\n' +
      '[Service]\nType=oneshot\nRemainAfterExit=yes\n' +
      `ExecStart=/bin/sh -c 'blkid -p "$$0" >/dev/null; [ $$? != 2 ] || exec "$$@"' "/dev/vdb" "mkfs.ext4" "-q" "-L" "1%%\\"$$a\\\\" "/dev/vdb"\n`,
    '/etc/systemd/system/var-lib-my\\x2ddata.mount':
      '[Unit]\nBefore=knarr.service containerd.service\nRequires=knarr-format-var-lib-my\\x2ddata.service\nAfter=knarr-format-var-lib-my\\x2ddata.service\n\n' +
      '[Mount]\nWhat=/dev/vdb\nWhere=/var/lib/my-data\nOptions=defaults,nofail\nTimeoutSec=30\n',
    '/etc/systemd/system/mnt.mount':
      '[Unit]\nBefore=knarr.service containerd.service\n\n[Mount]\nWhat=/dev/disk/by-label/x\nWhere=/mnt\nOptions=ro,nofail\nTimeoutSec=30\n',
  });
  assert.deepStrictEqual(['/', '/.a/b c'].map(escapePath), ['-', '\\x2ea-b\\x20c']);
});

test('network: udev is told of new names, not of those that it knows', async (t) => {
  const config = 'network: {ethernets: {up: {match: {macaddress: "52:54:00:12:34:56"}, set-name: up}}}\n';
  const first = await applied(t, ['network'], config, {}, 'runtime');
  assert.deepStrictEqual(first.ran, [
    'udevadm control --reload',
    'udevadm trigger --action=add --subsystem-match=net',
    'networkctl reload',
  ]);
  const again = await applied(t, ['network'], config, first.files, 'runtime');
  assert.deepStrictEqual(again.ran, ['networkctl reload']);
});

test('swap is made once', async (t) => {
  const config = 'swap: {size: 1M}\n';
  const first = await applied(t, ['swap'], config);
  assert.deepStrictEqual(first.ran, [
    'rm -f /var/swap',
    'fallocate -l 1048576 /var/swap',
    'chmod 0600 /var/swap',
    'mkswap /var/swap',
    'swapon /var/swap',
  ]);
  const again = await applied(t, ['swap'], config, { '/var/swap': '\0'.repeat(1048576) });
  assert.deepStrictEqual(again.ran, ['swapon /var/swap']);
});

test('users get their number back from their files, their rules, their keys', async (t) => {
  const { files, ran } = await applied(
    t,
    ['users', 'ssh_authorized_keys'],
    `users:
- {name: ada, uid: 1500, groups: "sudo, video", sudo: "ALL=(ALL) NOPASSWD:ALL", passwd: $6$a$b, ssh_authorized_keys: [ssh-ed25519 A]}
- {name: bob, gecos: Bob, lock_passwd: true}
`,
    { '/etc/passwd': 'bob:x:1001:1001::/home/bob:/bin/sh\n' },
  );
  assert.deepStrictEqual(ran, [
    'useradd -m -d /home/ada -u 1500 -G sudo,video -p $6$a$b -s /bin/bash ada',
    'usermod -c Bob bob',
  ]);
  assert.deepStrictEqual(files, {
    '/etc/sudoers.d/60-cloud-config-ada': 'ada ALL=(ALL) NOPASSWD:ALL\n',
    '/run/knarr/ssh/ada': 'ssh-ed25519 A\n',
  });
});

test('authorities, registries, proxy, time zone', async (t) => {
  const pem = `${(await createAuthority('our own')).certificate.trim()}\n`;
  const { files, ran, host } = await applied(
    t,
    ['ca_certs', 'registries', 'k3os.environment', 'timezone'],
    `ca_certs: {trusted: [${JSON.stringify(pem)}]}
registries: {mirrors: {docker.io: {endpoint: ["https://mirror.lan"]}}, configs: {mirror.lan: {tls: {insecure_skip_verify: true}}}}
proxy: {http: "http://p:3128", no_proxy: [.lan]}
timezone: Europe/Oslo
k3os: {environment: {A: b}}
`,
    { '/usr/share/zoneinfo/Europe/Oslo': '', '/etc/ssl/certs/ca-certificates.crt': '' },
  );
  assert.deepStrictEqual(ran, ['systemctl daemon-reload']);
  assert.equal(await readlink(host.path('/etc/localtime')), '../usr/share/zoneinfo/Europe/Oslo');
  assert.equal(
    await readFile(host.path('/etc/ssl/certs/ca-certificates.crt'), 'utf8'),
    `# from the cloud-config\n${pem}`,
  );
  const around = 'localhost,127.0.0.0/8,10.42.0.0/16,10.43.0.0/16,.svc,.cluster.local,.lan';
  delete files['/etc/localtime'];
  assert.deepStrictEqual(files, {
    '/etc/ssl/certs/cloud-config.pem': pem,
    '/etc/rancher/k3s/registries.yaml':
      'mirrors:\n  docker.io:\n    endpoint:\n      - https://mirror.lan\nconfigs:\n  mirror.lan:\n    tls:\n      insecure_skip_verify: true\n',
    '/etc/environment': `A="b"\nHTTP_PROXY="http://p:3128"\nhttp_proxy="http://p:3128"\nHTTPS_PROXY="http://p:3128"\nhttps_proxy="http://p:3128"\nNO_PROXY="${around}"\nno_proxy="${around}"\nNODE_EXTRA_CA_CERTS="/etc/ssl/certs/cloud-config.pem"\n`,
    '/etc/systemd/system/containerd.service.d/60-cloud-config.conf': '[Service]\nEnvironmentFile=-/etc/environment\n',
  });
});

test('a proxy that the environment names is the way of the container runtime too, and not to the cluster', async (t) => {
  const { files } = await applied(
    t,
    ['k3os.environment'],
    'k3os: {environment: {http_proxy: "http://p", no_proxy: .lan}}\n',
  );
  const around = 'localhost,127.0.0.0/8,10.42.0.0/16,10.43.0.0/16,.svc,.cluster.local,.lan';
  assert.deepStrictEqual(files['/etc/environment']?.split('\n'), [
    'http_proxy="http://p"',
    `no_proxy="${around}"`,
    'HTTP_PROXY="http://p"',
    `NO_PROXY="${around}"`,
    '',
  ]);
  assert.match(files['/etc/systemd/system/containerd.service.d/60-cloud-config.conf'] ?? '', /EnvironmentFile/);
});

test('Wi-Fi: by iwd where it is there; without a program it is said', async (t) => {
  const config = 'k3os: {wifi: [{name: home, passphrase: secret-1}, {name: "a/b"}]}\n';
  const { files, ran } = await applied(t, ['k3os.wifi'], config, { '/usr/libexec/iwd': '' });
  assert.deepStrictEqual(
    [files['/var/lib/iwd/home.psk'], files['/var/lib/iwd/=612f62.open'], ran],
    [
      '[Security]\nPassphrase=secret-1\n\n[Settings]\nAutoConnect=true\n',
      '[Settings]\nAutoConnect=true\n',
      ['systemctl start --no-block iwd.service'],
    ],
  );
  const other = await applied(t, ['k3os.wifi'], config, { '/usr/sbin/wpa_supplicant': '' });
  assert.match(
    other.files['/etc/wpa_supplicant/wpa_supplicant-wlan0.conf'] ?? '',
    /ssid=686f6d65\n\tscan_ssid=1\n\tpriority=2\n\tpsk="secret-1"/,
  );
  await assert.rejects(applied(t, ['k3os.wifi'], config), /build it with the package iwd or wpasupplicant/);
});

test('a further console of an installed machine gets its log-in', async (t) => {
  const { ran } = await applied(t, ['k3os.install'], 'k3os: {install: {tty: ttyS1}}\n');
  assert.deepStrictEqual(ran, ['systemctl start --no-block serial-getty@ttyS1.service']);
});

test('keys of github: are fetched when the network is up, and kept for when it is not', async (t) => {
  const { host, files, ran } = await applied(
    t,
    ['online', 'ssh_authorized_keys'],
    'ssh_authorized_keys: [github:me, ssh-rsa B]\n',
  );
  assert.deepStrictEqual(files, { '/run/knarr/ssh/rancher': 'ssh-rsa B\n' });
  assert.match(ran[0] ?? '', /^systemd-run .*os\.mjs online$/);
  const read = (): Promise<string> => readFile(host.path('/run/knarr/ssh/rancher'), 'utf8');
  const config = { ssh_authorized_keys: ['github:me', 'ssh-rsa B'] };
  const good: Http = async () => ({ status: 200, body: Buffer.from('ssh-ed25519 A\n') });
  await createSshKeys(good).apply(config, host, 'runtime');
  assert.equal(await read(), 'ssh-ed25519 A\nssh-rsa B\n');
  const bad: Http = async (url) => {
    throw new Error(`${url}: there is no network`);
  };
  await assert.rejects(
    createSshKeys(bad).apply(config, host, 'runtime'),
    /^KnarrError: github:me: https:\/\/github\.com\/me\.keys: there is no network; the keys of the last time count$/,
  );
  assert.equal(await read(), 'ssh-ed25519 A\nssh-rsa B\n');
});
