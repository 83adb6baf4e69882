import { choice, fields, flag, list, map, type Of, text } from '../shape.ts';
import { wrongArguments } from './arguments.ts';
import { ip } from './network.ts';

/** Names that `k3os.data_sources` takes; `cdrom` is k3OS's name of the seed disks. */
export const sourceNames = [
  'cdrom',
  'nocloud',
  'configdrive',
  'fwcfg',
  'smbios',
  'vmware',
  'aws',
  'azure',
  'digitalocean',
  'gcp',
  'hetzner',
  'openstack',
  'packet',
  'scaleway',
  'vultr',
] as const;

/** One label's name and value, as the API takes them: a node with others is refused by its cluster. */
const label = '([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?';
const labelValue = '([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?';

const line = { pattern: /^[^\n]*$/, expects: 'one line' };

const url = { pattern: /^https?:\/\/\S+$/, expects: 'a URL that begins with https:// or http://' };

const install = fields(
  'what the installer does',
  {
    force_efi: flag('boot by UEFI though the installer was not'),
    device: text('the disk that is written', { pattern: /^\/dev\/\S+$/, expects: 'a device like /dev/sda' }),
    config_url: text('where the installed machine’s configuration is fetched from', {
      pattern: /^(https?|file):\/\/\S+$|^\/\S+$/,
      expects: 'a URL or a path',
    }),
    silent: flag('nothing is asked'),
    iso_url: text('where the image is fetched from', url),
    power_off: flag('the machine is turned off afterwards, not booted again'),
    no_format: flag('/var of an earlier installation is kept'),
    force: flag('the disk need not be empty'),
    debug: flag('more is said'),
    tty: text('the console of the installed machine', {
      pattern: /^(\/dev\/)?[\w,.-]+$/,
      expects: 'a console like ttyS0',
    }),
  },
  { loose: true },
);
export type Install = Of<typeof install>;

/** `k3os`: the settings that k3OS had, under its names. */
export const k3os = fields(
  'the node and its cluster',
  {
    data_sources: list(
      'clouds that are asked for user-data, in this order; without it the one that the hardware names',
      choice('one of them', sourceNames),
    ),
    modules: list(
      'kernel modules',
      text('a module, its parameters behind it', {
        pattern: /^[\w-]+(\s.*)?$/,
        expects: 'the name of a module, its parameters behind it',
      }),
    ),
    sysctls: map('kernel settings', text('value', line), {
      pattern: /^-?[\w.*/:@-]+$/,
      expects: 'like net.ipv4.ip_forward',
    }),
    ntp_servers: list(
      'time servers, asked where the network names none',
      text('one of them', { pattern: /^\S+$/, expects: 'a name or an address' }),
    ),
    dns_nameservers: list('name servers, asked where the network names none', text('its address', ip)),
    wifi: list(
      'wireless networks, the first that is in reach',
      fields(
        'a network',
        {
          name: text('its name (SSID)'),
          passphrase: text('its passphrase; none for an open one', {
            secret: true,
            pattern: /^[^\n"]{8,63}$/,
            expects: '8 to 63 letters, no quotation mark among them',
          }),
        },
        {
          required: ['name'],
          loose: true,
          allOrNothing: true,
          aliases: { ssid: 'name', pass: 'passphrase', password: 'passphrase' },
        },
      ),
    ),
    password: text('password of rancher, as it is or as crypt(5) hashed it', {
      secret: true,
      pattern: /^[^:\n]*$/,
      expects: 'a text without colon and line break',
    }),
    server_url: text('the server to join; with it the machine is an agent', url),
    token: text('the secret by which machines join', {
      secret: true,
      pattern: /\S/,
      expects: 'a secret of one letter at least',
    }),
    labels: map(
      'labels of the node',
      text('value', {
        pattern: new RegExp(`^${labelValue}$`),
        expects: 'at most 63 letters, digits, - _ and . between them',
      }),
      { pattern: new RegExp(`^${label}$`), expects: 'a label like zone or example.com/zone' },
    ),
    taints: list(
      'taints of the node',
      text('key=value:Effect', {
        pattern: new RegExp(`^${label}(=${labelValue})?:(NoSchedule|PreferNoSchedule|NoExecute)$`),
        expects: 'key=value:Effect with NoSchedule, PreferNoSchedule or NoExecute',
      }),
    ),
    k3s_args: list(
      'arguments of the daemon; the first may be server or agent',
      text('a word', {
        pattern: /^(?!(server|agent|--?[\w-]+)\s)/,
        expects: 'one word: --flag=value, or --flag and its value as two items',
      }),
      { wrong: wrongArguments },
    ),
    environment: map('environment of the daemon, of commands and of logins', text('value', line), {
      pattern: /^[A-Za-z_]\w*$/,
      expects: 'letters, digits and _',
    }),
    install,
  },
  {
    loose: true,
    elsewhere: {
      mode: 'write k3os.mode on the kernel command line',
      fallback_mode: 'write k3os.fallback_mode on the kernel command line',
      debug: 'write k3os.debug on the kernel command line',
    },
  },
);
