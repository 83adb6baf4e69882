import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseKernelArguments, splitCommandLine } from './kernel-arguments.ts';
import { mergeConfigs } from './merge.ts';
import { parseCloudConfig } from './parse.ts';
import { encodings, renderProblem } from './schema.ts';

test('a mistake is reported with file, line, column and key, and the rest counts', () => {
  const { config, problems } = parseCloudConfig(
    '/seed/user-data',
    `#cloud-config
hostname: one
ssh_authorised_keys:
- ssh-ed25519 AAAA
write_files:
- content: no path
- path: /etc/a
  content: |
    b
  permissions: 0600
k3os:
  labels: [a]
  taints:
  - key1=value1:NoExecute
  - {a: b}
  sysctls:
    kernel.panic: 10
  tocken: x
`,
  );
  assert.deepStrictEqual(config, {
    hostname: 'one',
    write_files: [{ path: '/etc/a', content: 'b\n', permissions: '0600' }],
    k3os: { taints: ['key1=value1:NoExecute'], sysctls: { 'kernel.panic': '10' } },
  });
  assert.deepStrictEqual(problems.map(renderProblem), [
    '/seed/user-data:3:1: ssh_authorised_keys: unknown key, left out (is ssh_authorized_keys meant?)',
    '/seed/user-data:6:3: write_files[0]: lacks path',
    '/seed/user-data:12:11: k3os.labels: must be a map of texts, not a list',
    '/seed/user-data:15:5: k3os.taints[1]: must be a text, not a map',
    '/seed/user-data:18:3: k3os.tocken: unknown key, left out (is token meant?)',
  ]);
});

test('broken YAML is reported where it breaks', () => {
  const { problems } = parseCloudConfig('config.yaml', 'hostname: a\nk3os: {\n');
  assert.deepStrictEqual([problems[0]?.source, problems[0]?.line], ['config.yaml', 3]);
});

test('kernel arguments: lists by repeating, maps in both forms, bare names, quotes', () => {
  assert.deepStrictEqual(splitCommandLine('quiet a="b c" "d=e f"'), ['quiet', 'a=b c', 'd=e f']);
  const line =
    'root=PARTLABEL=x quiet k3os.mode=live hostname=n k3os.labels[a.b/c]=d k3os.labels.e=f k3os.modules=kvm k3os.modules=nvme run_cmd="echo hi" k3os.tokn=x k3os.taints k3os.install.silent k3os.install.device=/dev/vda k3os.wifi[0].name=w network.ethernets[eth0].addresses=10.0.0.2/24 hostname.x=1 k3os.install.power_off=maybe';
  assert.deepStrictEqual(parseKernelArguments(line), {
    config: {
      hostname: 'n',
      k3os: {
        labels: { 'a.b/c': 'd', e: 'f' },
        modules: ['kvm', 'nvme'],
        install: { silent: true, device: '/dev/vda' },
        wifi: [{ name: 'w' }],
      },
      run_cmd: ['echo hi'],
      network: { ethernets: { eth0: { addresses: ['10.0.0.2/24'] } } },
    },
    problems: [
      ['k3os.tokn', 'unknown key, left out (is token meant?)'],
      ['k3os.taints', 'needs a value: write = behind it'],
      ['hostname.x', 'is one value, not a map'],
      ['k3os.install.power_off', 'must be true or false, not "maybe"'],
    ].map(([key = '', message]) => ({
      source: 'kernel command line',
      line: 1,
      column: line.indexOf(key) + 1,
      key,
      message,
    })),
  });
});

test('kernel arguments: other names of keys count, a bare name has the value that it can have', () => {
  const { config, problems } = parseKernelArguments(
    'fqdn=a.b runcmd=date "ca-certs.remove_defaults" k3os.labels[gpu] k3os.token k3os.modules k3os.labels[a=b]=c k3os.labels[a b]=c k3os.constructor=x hostname',
  );
  assert.deepStrictEqual(config, {
    hostname: 'a.b',
    run_cmd: ['date'],
    ca_certs: { remove_defaults: true },
    k3os: { labels: { gpu: 'true' } },
  });
  assert.deepStrictEqual(
    problems.map(({ key, message }) => `${key}: ${message}`),
    [
      'k3os.token: needs a value: write = behind it',
      'k3os.modules: needs a value: write = behind it',
      'k3os.labels[a=b]: its name must be a label like zone or example.com/zone, not "a=b"',
      'k3os.labels[a: a bracket is not closed',
      'k3os.constructor: unknown key, left out',
    ],
  );
});

test('kernel arguments: an item of a list with something wrong in it is left out, and the rest counts', () => {
  const { config, problems } = parseKernelArguments(
    [
      'k3os.wifi[0].name=home k3os.wifi[0].passphrase=short k3os.wifi[1].name=work k3os.wifi[1].passphrase=long-enough',
      'k3os.wifi[2].passphrase=nobodys-secret k3os.wifi[3].nam=x k3os.wifi[3].name=cafe k3os.wifi[4].name=open',
      'write_files[0].path=/a write_files[0].content=! write_files[0].encoding=b64',
      'network.ethernets[eth0].routes[0].via=10.0.0.1 network.vlans[v].id=7 hostname=n',
    ].join(' '),
  );
  assert.deepStrictEqual(config, {
    k3os: { wifi: [{ name: 'work', passphrase: 'long-enough' }, { name: 'open' }] },
    write_files: [],
    // what another source may give the rest of is nothing that lacks it
    network: { ethernets: { eth0: { routes: [] } }, vlans: { v: { id: 7 } } },
    hostname: 'n',
  });
  assert.deepStrictEqual(problems.map(renderProblem), [
    'kernel command line:1:24: k3os.wifi[0].passphrase: must be 8 to 63 letters, no quotation mark among them, not what it is; k3os.wifi[0] is left out with it',
    'kernel command line:1:152: k3os.wifi[3].nam: unknown key, left out (is name meant?); k3os.wifi[3] is left out with it',
    'kernel command line:1:113: k3os.wifi[2]: lacks name',
    'kernel command line:1:217: write_files[0]: has a content that is not b64',
    'kernel command line:1:293: network.ethernets.eth0.routes[0]: lacks to',
  ]);
});

test('configurations are merged: maps deeply, lists joined, the last text counts', () => {
  assert.deepStrictEqual(
    mergeConfigs([
      { hostname: 'a', ssh_authorized_keys: ['k1'], k3os: { labels: { x: '1' }, token: 't' } },
      { hostname: 'b', ssh_authorized_keys: ['k2', 'k1'], k3os: { labels: { y: '2' } } },
    ]),
    { hostname: 'b', ssh_authorized_keys: ['k1', 'k2'], k3os: { labels: { x: '1', y: '2' }, token: 't' } },
  );
});

test('arguments of the daemon are joined as the words that they are', () => {
  const merged = (...lists: string[][]): string[] | undefined =>
    mergeConfigs(lists.map((k3s_args) => ({ k3os: { k3s_args } }))).k3os?.k3s_args;
  assert.deepStrictEqual(merged(['server', '--kubelet-arg', 'a=b'], ['--kubelet-arg', 'c=d']), [
    ...['server', '--kubelet-arg', 'a=b'],
    ...['--kubelet-arg', 'c=d'],
  ]);
  assert.deepStrictEqual(merged(['server', '--a'], ['agent', '--b']), ['agent', '--a', '--b']);
  assert.deepStrictEqual(merged(['--a'], ['server']), ['server', '--a']);
  assert.deepStrictEqual(merged(['server', '--a'], ['server', '--a']), ['server', '--a']);
});

test('what cloud-init calls otherwise counts; what does nothing here says what to do instead', () => {
  const { config, problems } = parseCloudConfig(
    'user-data',
    `#cloud-config
runcmd:
- date
- [echo, "a b"]
run_cmd: [uptime]
fqdn: a.example
hostname: b
packages: [vim]
mounts:
- [LABEL=data, /var/data, auto, "defaults,nofail", "0", "2"]
ca-certs: {remove_defaults: yes}
write_files:
- {path: /a, encoding: rot13, permissions: 999}
k3os:
  data_sources: aws
`,
  );
  assert.deepStrictEqual(config, {
    run_cmd: ['date', "echo 'a b'", 'uptime'],
    hostname: 'b',
    mounts: [
      { device: 'LABEL=data', path: '/var/data', type: 'auto', options: 'defaults,nofail', dump: '0', pass: '2' },
    ],
    ca_certs: { remove_defaults: true },
    write_files: [],
    k3os: { data_sources: ['aws'] },
  });
  assert.deepStrictEqual(problems.map(renderProblem), [
    'user-data:8:1: packages: does nothing here: the image is read-only; add packages when it is built',
    `user-data:13:24: write_files[0].encoding: must be one of ${encodings.filter((each) => each !== '').join(', ')}, not "rot13"; write_files[0] is left out with it`,
    'user-data:13:44: write_files[0].permissions: must be octal, like "0644", not "999"; write_files[0] is left out with it',
  ]);
});

test('what a machine could only refuse later is refused at once, where it stands', () => {
  const { config, problems } = parseCloudConfig(
    'user-data',
    `#cloud-config
write_files:
- {path: /a, encoding: b64, content: "a b!"}
- {path: /b, encoding: gz+b64, content: aGVsbG8=}
- {path: /c, encoding: gz+b64, content: ${gzipSync('c').toString('base64')}}
network:
  ethernets:
    eth0:
      addresses: [10.0.0.5/24, 10.0.0.256/24, 10.0.0.7/33, "fd00::1/64"]
      gateway4: 10.0.0
      routes: [{to: 10.0.0.0/8, via: 10.0.0.1}, {to: 10.0.0.0/80, via: 10.0.0.1}]
ca_certs:
  trusted: ["-----BEGIN CERTIFICATE-----\\nMIIB no certificate at all, but long enough to be cut off\\n"]
k3os:
  wifi:
  - {name: home, passphrase: short}
  - {name: open}
timezone: Europe/Olso
`,
  );
  assert.deepStrictEqual(problems.map(renderProblem), [
    'user-data:3:3: write_files[0]: has a content that is not b64',
    'user-data:4:3: write_files[1]: has a content that is not gz+b64: incorrect header check',
    'user-data:9:32: network.ethernets.eth0.addresses[1]: must be an address with its prefix, like 192.168.1.5/24, not "10.0.0.256/24"',
    'user-data:9:47: network.ethernets.eth0.addresses[2]: must be an address with its prefix, like 192.168.1.5/24, not "10.0.0.7/33"',
    'user-data:10:17: network.ethernets.eth0.gateway4: must be an IPv4 address, not "10.0.0"',
    'user-data:11:54: network.ethernets.eth0.routes[1].to: must be `default` or a network like 10.0.0.0/8, not "10.0.0.0/80"; network.ethernets.eth0.routes[1] is left out with it',
    'user-data:13:13: ca_certs.trusted[0]: must be a certificate in PEM, not "-----BEGIN CERTIFICATE-----\\nMIIB no cert…"',
    'user-data:16:30: k3os.wifi[0].passphrase: must be 8 to 63 letters, no quotation mark among them, not what it is; k3os.wifi[0] is left out with it',
    'user-data:18:11: timezone: must be a name like Europe/Oslo, not "Europe/Olso"',
  ]);
  // a network whose passphrase is wrong is not an open one
  assert.deepStrictEqual(config.k3os?.wifi, [{ name: 'open' }]);
  assert.equal(config.write_files?.length, 1);
});

for (const [yaml, ...expected] of [
  ['hostname: a\nhostname: b', '2:1: hostname: stands here twice; the last one counts'],
  ['k3os: {labels: {a: x, a: y}}', '1:23: k3os.labels.a: stands here twice; the last one counts'],
  ['hostname: *nope', '1:11: hostname: no anchor before it is called nope'],
  ['hostname: !foo bar', '1:11: Unresolved tag: !foo'],
  ['k3os: {labels: {<<: {a: b}}}', '1:17: k3os.labels.<<: maps are not merged here: write the keys of the other out'],
  ['hostname: a\n---\nhostname: b', '2:1: a second document begins here, which is not read'],
  ['constructor: x', '1:1: constructor: unknown key, left out'],
  [
    'run_cmd: [date, null, [a, null], [b, [c]]]',
    '1:17: run_cmd[1]: is empty, left out',
    '1:27: run_cmd[2][1]: must be a word of the command',
    '1:38: run_cmd[3][1]: must be a word of the command',
  ],
  ['hostname: my_host', '1:11: hostname: must be a host name of letters, digits and - between them, not "my_host"'],
  [
    'ssh_authorized_keys: [ssh-rsa, "gitlab:me", "github:a b"]',
    ...['23: ssh_authorized_keys[0]', '32: ssh_authorized_keys[1]', '45: ssh_authorized_keys[2]'].map(
      (at, index) =>
        `1:${at}: must be a key like "ssh-ed25519 AAAA…", or github:USER, not "${['ssh-rsa', 'gitlab:me', 'github:a b'][index]}"`,
    ),
  ],
  [
    'k3os: {k3s_args: [server, --node-label a=b]}',
    '1:27: k3os.k3s_args[1]: must be one word: --flag=value, or --flag and its value as two items, not "--node-label a=b"',
  ],
  [
    'k3os: {labels: {a b: c, d: e f}}',
    '1:17: k3os.labels.a b: its name must be a label like zone or example.com/zone, not "a b"',
    '1:28: k3os.labels.d: must be at most 63 letters, digits, - _ and . between them, not "e f"',
  ],
  [
    'users: [default, {name: ada, sudo: false}]',
    '1:36: users[1].sudo: must be a rule like ALL=(ALL) NOPASSWD:ALL, not "false"',
  ],
  [
    'write_files: [{path: /etc/}]',
    '1:22: write_files[0].path: must be the path of a file, which begins with /, not "/etc/"; write_files[0] is left out with it',
  ],
  ['\0\uFFFD', '1:1: has bytes that are no text in UTF-8: write those of a file in base64, with encoding b64'],
  ['write_files: [{path: /a, content: !!binary aGVsbG8=}]'],
  [
    'ssh_authorized_keys: ["restrict,command=\\"a b\\" ssh-rsa AAAA me", "sk-ssh-ed25519@openssh.com AAAA", "github:a-b"]',
  ],
  [
    'mounts: [[sdb, /data], [data, /d, 9p], {device: /dev/sdb, path: /e}]',
    '1:10: mounts[0]: has no device of the form /dev/… or LABEL=…, but "sdb"',
  ],
  [
    'network: {ethernets: {a: {match: {macaddress: x}, gateway4: "fd00::1", routes: [{to: default, via: x}]}, a/b: {}}, vlans: {v: {id: 5000, link: a}}}',
    '1:47: network.ethernets.a.match.macaddress: must be a MAC address like 52:54:00:12:34:56, not "x"; network.ethernets.a.match is left out with it',
    '1:61: network.ethernets.a.gateway4: must be an IPv4 address, not "fd00::1"',
    '1:100: network.ethernets.a.routes[0].via: must be an IP address, not "x"; network.ethernets.a.routes[0] is left out with it',
    '1:106: network.ethernets.a/b: its name must be without blank and /, not "a/b"',
    '1:132: network.vlans.v.id: must be a number from 1 to 4094, not "5000"; network.vlans.v is left out with it',
  ],
  [
    'registries: {mirrors: {a: {endpoint: [mirror.example:5000/v2, "https://b"], rewrite: {}}}, configs: {a: {auth: {identity_token: x}}}}',
    '1:77: registries.mirrors.a.rewrite: does nothing here: containerd asks mirrors for the same name; leave it out',
  ],
  [
    'network: {bonds: {b: }, vlans: {v: null}, ethernets: {e: }}',
    '1:19: network.bonds.b: lacks interfaces',
    '1:33: network.vlans.v: lacks id, link',
  ],
  ['write_files: [{path: /a, defer: true}]'],
  ['user: ada', '1:1: user: does nothing here: rancher logs in, and whom users names'],
  ['ca-certs: {remove-defaults: true}'],
  [
    'k3os: {taints: [a.b/c=d:NoExecute, e:NoSchedule], sysctls: {net.ipv4.conf.eth0/1.forwarding: 1}, labels: {a.b/c: }}',
  ],
] as const)
  test(`${JSON.stringify(yaml)} is ${expected.length === 0 ? 'right' : 'told of'}`, () =>
    assert.deepStrictEqual(
      parseCloudConfig('c', yaml).problems.map(renderProblem),
      expected.map((problem) => `c:${problem}`),
    ));

test('names are taken as k3OS takes them: without their plural, in one word, with capitals', () => {
  const { config, problems } = parseCloudConfig(
    'c',
    `sshAuthorizedKey: github:me
write_file: [{path: /a, encoding: "", owner: "", permissions: ""}]
k3os:
  sysctl: {a: 1}
  sysctls: {a: 2, b: 3}
  datasource: aws
  serverURL: https://a
  wifi: [{ssid: home, pass: long-enough}]
network: {ethernet: {}}
`,
  );
  assert.deepStrictEqual(config, {
    ssh_authorized_keys: ['github:me'],
    write_files: [{ path: '/a', encoding: '', owner: '', permissions: '' }],
    k3os: {
      sysctls: { a: '2', b: '3' },
      data_sources: ['aws'],
      server_url: 'https://a',
      wifi: [{ name: 'home', passphrase: 'long-enough' }],
    },
    network: {},
  });
  assert.deepStrictEqual(problems.map(renderProblem), [
    'c:9:11: network.ethernet: unknown key, left out (is ethernets meant?)',
  ]);
  assert.deepStrictEqual(
    parseKernelArguments(
      'mount.usr=LABEL=x ssh_authorized_key=github:me k3os.dns_nameserver=1.1.1.1 k3os.dns_nameserver=8.8.8.8 k3os.sysctl[kernel.printk]="4 4 1 7"',
    ),
    {
      config: {
        ssh_authorized_keys: ['github:me'],
        k3os: { dns_nameservers: ['1.1.1.1', '8.8.8.8'], sysctls: { 'kernel.printk': '4 4 1 7' } },
      },
      problems: [],
    },
  );
});

test('arguments that the daemon has not are left out with their values, and told of', () => {
  const { config, problems } = parseCloudConfig(
    'c',
    'k3os: {k3s_args: [server, --node-lable, a=b, --disable-agent, --kubelet-arg, --v=4, --nonsense=1, -v, "2", --rootless]}',
  );
  assert.deepStrictEqual(config.k3os?.k3s_args, ['server', '--disable-agent', '--kubelet-arg', '--v=4', '-v', '2']);
  assert.deepStrictEqual(
    problems.map((problem) => renderProblem(problem).slice(0, 75)),
    [
      'c:1:27: k3os.k3s_args[1]: the daemon has no flag --node-lable (is node-labe',
      'c:1:85: k3os.k3s_args[6]: the daemon has no flag --nonsense',
      'c:1:108: k3os.k3s_args[9]: --rootless is not supported yet: a node needs ro',
    ],
  );
});

test('YAML’s own form of base64 is what it stands for', () => {
  assert.equal(
    parseCloudConfig('c', 'write_files: [{path: /a, content: !!binary aGk=}]').config.write_files?.[0]?.content,
    'hi',
  );
});
