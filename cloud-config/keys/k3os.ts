import { choice, fields, flag, list, map, type Of, text } from '../shape.ts';
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

const url = { pattern: /^https?:\/\/\S+$/, expects: 'a URL that begins with https:// or http://' };

const install = fields('what the installer does', {
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
  tty: text('the console of the installed machine'),
});
export type Install = Of<typeof install>;

/** `k3os`: the settings that k3OS had, under its names. */
export const k3os = fields(
  'the node and its cluster',
  {
    data_sources: list(
      'clouds that are asked for user-data, in this order; without it the one that the hardware names',
      choice('one of them', sourceNames),
    ),
    modules: list('kernel modules', text('a module, its parameters behind it')),
    sysctls: map('kernel settings', text('value')),
    ntp_servers: list('time servers, asked where the network names none', text('one of them')),
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
        { required: ['name'], allOrNothing: true },
      ),
    ),
    password: text('password of rancher, as it is or as crypt(5) hashed it', { secret: true }),
    server_url: text('the server to join; with it the machine is an agent', url),
    token: text('the secret by which machines join', { secret: true }),
    labels: map('labels of the node', text('value')),
    taints: list(
      'taints of the node',
      text('key=value:Effect', {
        pattern: /^[^=:\s]+(=[^:\s]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$/,
        expects: 'key=value:Effect with NoSchedule, PreferNoSchedule or NoExecute',
      }),
    ),
    k3s_args: list('arguments of the daemon; the first may be server or agent', text('a word')),
    environment: map('environment of the daemon, of commands and of logins', text('value')),
    install,
  },
  {
    elsewhere: {
      mode: 'write k3os.mode on the kernel command line',
      fallback_mode: 'write k3os.fallback_mode on the kernel command line',
      debug: 'write k3os.debug on the kernel command line',
    },
  },
);
