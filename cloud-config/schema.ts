import { gunzipSync } from 'node:zlib';
import { messageOf } from '../src/base/errors.ts';
import { registries } from './keys/cluster.ts';
import { k3os } from './keys/k3os.ts';
import { network } from './keys/network.ts';
import { choice, command, fields, flag, list, type Of, text, whole } from './shape.ts';

/** How the content of a file may be written: the names of k3OS and of cloud-init. */
export const encodings = [
  'text/plain',
  'b64',
  'base64',
  'gz',
  'gzip',
  'gz+b64',
  'gz+base64',
  'gzip+b64',
  'gzip+base64',
  'b64+gz',
  'b64+gzip',
  // as it is, in k3OS's own words
  '',
] as const;

/** What is wrong with a content that is not written as its encoding says. */
function wrongContent({ content, encoding }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof content !== 'string' || typeof encoding !== 'string' || encoding === 'text/plain') return undefined;
  const coded = /b(ase)?64/.test(encoding);
  if (coded && !/^[A-Za-z0-9+/_\s-]*=*\s*$/.test(content)) return `has a content that is not ${encoding}`;
  if (!/gz/.test(encoding)) return undefined;
  try {
    gunzipSync(Buffer.from(content, coded ? 'base64' : 'latin1'));
    return undefined;
  } catch (error) {
    return `has a content that is not ${encoding}: ${messageOf(error)}`;
  }
}

function isCertificate(pem: string): boolean {
  // loaded only where there is one: a boot is counted in milliseconds
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const writeFile = fields(
  'a file',
  {
    path: text('where', { pattern: /^\/.*[^/]$/, expects: 'the path of a file, which begins with /' }),
    content: text('what'),
    encoding: choice('how the content is written', encodings),
    owner: text('user, or user:group', { pattern: /^([\w.-]+(:[\w.-]+)?)?$/, expects: 'user or user:group' }),
    permissions: text('octal', { pattern: /^((0o)?[0-7]{3,4})?$/, expects: 'octal, like "0644"' }),
    append: flag('put behind what is there'),
    defer: flag('without effect: files are written when users are there, always'),
  },
  {
    required: ['path'],
    loose: true,
    allOrNothing: true,
    wrong: wrongContent,
  },
);
export type WriteFile = Of<typeof writeFile>;

const keyList = list(
  'who may log in',
  text('a key of OpenSSH, or github:USER for the keys that one shows there', {
    pattern: /^(github:[A-Za-z0-9-]+$|(?!\w+:)[\s\S]*\b(ssh|ecdsa|sk)-[\w@.-]+[ \t]+\S)/,
    expects: 'a key like "ssh-ed25519 AAAA…", or github:USER',
  }),
);

const user = fields(
  'somebody who may log in',
  {
    name: text('name', { pattern: /^[a-z_][a-z0-9_-]{0,31}$/, expects: 'small letters, digits, _ and -' }),
    uid: whole('number', 1, 4294967293),
    gecos: text('full name', { pattern: /^[^:\n]*$/, expects: 'a text without colons' }),
    groups: list(
      'further groups',
      text('name of one, or of several with commas', {
        pattern: /^[A-Za-z_][\w-]*(\s*,\s*[A-Za-z_][\w-]*)*$/,
        expects: 'the name of a group',
      }),
    ),
    shell: text('shell', { pattern: /^\//, expects: 'a path that begins with /' }),
    homedir: text('home folder', { pattern: /^\//, expects: 'a path that begins with /' }),
    sudo: list(
      'what it may run as root, in the words of sudoers',
      text('a rule', { pattern: /^[^=\n]+=[^\n]+$/, expects: 'a rule like ALL=(ALL) NOPASSWD:ALL' }),
    ),
    passwd: text('password as crypt(5) hashed it', {
      secret: true,
      pattern: /^[$*!][^:\n]*$/,
      expects: 'hashed by crypt(5), beginning with $',
    }),
    lock_passwd: flag('no login by password'),
    ssh_authorized_keys: keyList,
  },
  {
    required: ['name'],
    aliases: { hashed_passwd: 'passwd' },
    elsewhere: {
      plain_text_passwd: 'write passwd, hashed by crypt(5)',
      ssh_import_id: 'write github:USER in ssh_authorized_keys',
      primary_group: 'each has a group of its own name; write groups',
    },
  },
);
export type User = Of<typeof user>;

const proxyUrl = { pattern: /^\S+$/, expects: 'a URL like http://10.0.0.1:3128' };
const size = { pattern: /^\d+(\.\d+)?[KMGT]?$/i, expects: 'a size like 512M or 2G' };

const onDisks: readonly unknown[] = [undefined, 'auto', 'ext2', 'ext3', 'ext4', 'vfat', 'xfs', 'btrfs'];

/** What is wrong with a disk that is called as fdisk shows it, or as clouds once did. */
const notDevice = ({ device, type }: Readonly<Record<string, unknown>>): string | undefined =>
  typeof device === 'string' && /^[\w-]+$/.test(device) && onDisks.includes(type)
    ? `has no device of the form /dev/… or LABEL=…, but ${JSON.stringify(device)}`
    : undefined;

const mount = fields(
  'a file system',
  {
    device: text('the device: /dev/…, LABEL=…, UUID=…, or what a network file system takes'),
    path: text('where it is seen', { pattern: /^\//, expects: 'a path that begins with /' }),
    type: text('kind of file system; found out where it is not given'),
    options: text('options, with commas'),
    format: choice('the file system to make where the device has none at all', ['ext4', 'ext3', 'ext2', 'vfat']),
    label: text('its label, when it is made', { pattern: /^\S{1,16}$/, expects: 'at most 16 letters' }),
    dump: text('without effect'),
    pass: text('without effect'),
  },
  {
    required: ['device', 'path'],
    allOrNothing: true,
    wrong: notDevice,
    positional: ['device', 'path', 'type', 'options', 'dump', 'pass'],
  },
);
export type Mount = Of<typeof mount>;

/** Every key of the language. */
export const schema = fields(
  'configuration of a machine',
  {
    hostname: text('name of the machine and of its node', {
      pattern: /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
      holds: (name) => name.length <= 253,
      expects: 'a host name of letters, digits and - between them',
    }),
    ssh_authorized_keys: keyList,
    write_files: list('files', writeFile),
    init_cmd: list('commands before anything else', command('one of them')),
    boot_cmd: list('commands when the machine is set up, before its services start', command('one of them')),
    run_cmd: list('commands when the network is up', command('one of them')),
    timezone: text('time zone', {
      pattern: /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/,
      holds: isZone,
      expects: 'a name like Europe/Oslo',
    }),
    network,
    proxy: fields('the way to the rest of the world', {
      http: text('for http', proxyUrl),
      https: text('for https', proxyUrl),
      no_proxy: list(
        'what is reached directly; the cluster’s own networks are, always',
        text('one of it', { pattern: /^\S+$/, expects: 'a name, an address or a network' }),
      ),
    }),
    users: list('people besides rancher', user, { needless: ['default'] }),
    ca_certs: fields(
      'authorities to trust',
      {
        trusted: list(
          'certificates',
          text('in PEM', {
            pattern: /^\s*-----BEGIN CERTIFICATE-----/,
            holds: isCertificate,
            expects: 'a certificate in PEM',
          }),
        ),
        remove_defaults: flag('nobody else is trusted'),
      },
      { loose: true },
    ),
    registries,
    swap: fields('memory on disk', {
      filename: text('the file; /var/swap where it is not given', {
        pattern: /^\/var\//,
        expects: 'a path under /var, where things are kept',
      }),
      size: text('how much', size),
    }),
    mounts: list('data disks and shared folders', mount),
    k3os,
  },
  {
    loose: true,
    aliases: { runcmd: 'run_cmd', bootcmd: 'boot_cmd', 'ca-certs': 'ca_certs', fqdn: 'hostname' },
    elsewhere: {
      packages: 'the image is read-only; add packages when it is built',
      package_update: 'the image is read-only; leave it out',
      package_upgrade: 'the image is upgraded as a whole; leave it out',
      apt: 'the image is read-only; leave it out',
      ntp: 'write k3os.ntp_servers',
      locale: 'messages are in English; leave it out',
      chpasswd: 'write k3os.password or users[].passwd',
      password: 'write k3os.password',
      user: 'rancher logs in, and whom users names',
      disable_root: 'root never logs in; leave it out',
      ssh_import_id: 'write github:USER in ssh_authorized_keys',
      ssh_pwauth: 'write a file in /etc/ssh/sshd_config.d with write_files',
      disk_setup: 'write mounts with format',
      fs_setup: 'write mounts with format',
      growpart: '/var grows with its disk by itself; leave it out',
      resize_rootfs: '/var grows with its disk by itself; leave it out',
      manage_etc_hosts: 'the own name is in /etc/hosts always; leave it out',
      preserve_hostname: 'the name is set at every boot; leave it out',
      power_state: 'write run_cmd: [reboot]',
      final_message: 'leave it out',
    },
  },
);

/** The configuration of a machine, in the language of k3OS. */
export type CloudConfig = Of<typeof schema>;

/** Something wrong in a configuration: where it stands, under which key, and what. */
export interface Problem {
  source: string;
  line?: number;
  column?: number;
  key: string;
  message: string;
}

/** `file:line:column: key: what is wrong`, as far as it is known. */
export function renderProblem(problem: Problem): string {
  const { source, line, column, key, message } = problem;
  const place = [source, line, column].filter((part) => part !== undefined).join(':');
  return `${place}: ${key === '' ? '' : `${key}: `}${message}`;
}
