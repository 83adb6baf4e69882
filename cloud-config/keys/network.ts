import { isIP, isIPv4, isIPv6 } from 'node:net';
import { choice, fields, flag, list, map, type Of, text, whole } from '../shape.ts';

/** `10.0.0.0/8`: both parts are what they can be. */
function isPrefix(value: string): boolean {
  const [address = '', length] = value.split('/');
  return Number(length) <= ({ 4: 32, 6: 128 }[isIP(address)] ?? -1);
}

const address = list(
  'addresses with the length of their prefix',
  text('one of them', {
    pattern: /^[0-9A-Fa-f:.]+\/\d{1,3}$/,
    holds: isPrefix,
    expects: 'an address with its prefix, like 192.168.1.5/24',
  }),
);
export const ip = {
  pattern: /^[0-9A-Fa-f:.]+$/,
  holds: (value: string): boolean => isIP(value) !== 0,
  expects: 'an IP address',
};

const overrides = fields('what is taken from DHCP', {
  'use-dns': flag('its name servers'),
  'use-ntp': flag('its time servers'),
  'use-routes': flag('its routes'),
  'use-hostname': flag('its host name'),
  'use-domains': choice('its search domains', ['true', 'false', 'route']),
  'use-mtu': flag('its MTU'),
  'send-hostname': flag('whether the host name is sent'),
  hostname: text('the host name that is sent'),
  'route-metric': whole('metric of its routes', 0, 4294967295),
});

const route = fields(
  'a route',
  {
    to: text('destination with its prefix, or `default`', {
      pattern: /^(default|[0-9A-Fa-f:.]+(\/\d{1,3})?)$/,
      holds: (value) => value === 'default' || isIP(value) !== 0 || isPrefix(value),
      expects: '`default` or a network like 10.0.0.0/8',
    }),
    via: text('the gateway', ip),
    from: text('preferred source address', ip),
    metric: whole('metric', 0, 4294967295),
    mtu: whole('MTU of the route', 68, 65535),
    table: whole('routing table', 1, 4294967295),
    'on-link': flag('the gateway is reachable though no address says so'),
    type: choice('kind of the route', ['unicast', 'blackhole', 'unreachable', 'prohibit']),
    scope: choice('scope', ['global', 'link', 'host']),
  },
  // without its gateway it would lead elsewhere
  { required: ['to'], allOrNothing: true },
);

const common = {
  addresses: address,
  dhcp4: flag('IPv4 by DHCP'),
  dhcp6: flag('IPv6 by DHCP'),
  'dhcp-identifier': choice('by what DHCP for IPv4 knows the port', ['mac', 'duid']),
  'dhcp4-overrides': overrides,
  'dhcp6-overrides': overrides,
  gateway4: text('IPv4 gateway (the same as a default route)', { ...ip, holds: isIPv4, expects: 'an IPv4 address' }),
  gateway6: text('IPv6 gateway', { ...ip, holds: isIPv6, expects: 'an IPv6 address' }),
  routes: list('routes', route),
  nameservers: fields('name servers of the link', {
    addresses: list('their addresses', text('one of them', ip)),
    search: list('search domains', text('one of them', { pattern: /^\S+$/, expects: 'one domain' })),
  }),
  mtu: whole('MTU', 68, 65535),
  macaddress: text('MAC address to take', {
    pattern: /^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/,
    expects: 'a MAC address like 52:54:00:12:34:56',
  }),
  optional: flag('the boot does not wait for it'),
  'accept-ra': flag('router advertisements are heeded'),
  'link-local': list('families that get a link-local address', choice('one of them', ['ipv4', 'ipv6'])),
};
const portName = { pattern: /^[^\s/]{1,15}$/, expects: 'at most 15 letters, no blank and no / among them' };
const noRenderer = { renderer: 'systemd-networkd configures the network; leave it out' };

const ethernet = fields(
  'an Ethernet port',
  {
    // with one of them wrong it would be other ports
    match: fields(
      'which port it is, where the name is not enough',
      {
        name: text('its name, with * and ?'),
        macaddress: common.macaddress,
        driver: text('its driver'),
      },
      { allOrNothing: true },
    ),
    'set-name': text('the name that it gets (with match.macaddress)', portName),
    wakeonlan: flag('it wakes the machine'),
    ...common,
  },
  { elsewhere: noRenderer },
);

const bond = fields(
  'several ports as one',
  {
    interfaces: list('the ports', text('name of one')),
    parameters: fields('how they work together', {
      mode: choice('mode', [
        'balance-rr',
        'active-backup',
        'balance-xor',
        'broadcast',
        '802.3ad',
        'balance-tlb',
        'balance-alb',
      ]),
      'mii-monitor-interval': whole('ms between looks at the links', 0, 600_000),
      'lacp-rate': choice('how often the switch is told', ['slow', 'fast']),
      'transmit-hash-policy': choice('what decides over the port', [
        'layer2',
        'layer2+3',
        'layer3+4',
        'encap2+3',
        'encap3+4',
      ]),
      primary: text('the port to prefer'),
      'up-delay': whole('ms until a port that came up counts', 0, 600_000),
      'down-delay': whole('ms until a port that went down counts', 0, 600_000),
      'min-links': whole('ports that must be up', 0, 64),
    }),
    ...common,
  },
  { required: ['interfaces'], elsewhere: noRenderer },
);

const bridge = fields('a bridge', {
  interfaces: list('its ports', text('name of one')),
  parameters: fields('how it works', {
    stp: flag('spanning tree'),
    'forward-delay': whole('seconds until a port forwards', 0, 30),
  }),
  ...common,
});

const vlan = fields(
  'a VLAN',
  { id: whole('its number', 1, 4094), link: text('the port that it is on'), ...common },
  { required: ['id', 'link'] },
);

/** `network`, a subset of netplan's version 2. */
export const network = fields(
  'the network, in the words of netplan’s version 2; ports that it does not name get their addresses by DHCP',
  {
    version: choice('version of the language', ['2']),
    ethernets: map('ports by name', ethernet, { pattern: /^[^\s/]+$/, expects: 'without blank and /' }),
    bonds: map('bonds by name', bond, portName),
    bridges: map('bridges by name', bridge, portName),
    vlans: map('VLANs by name', vlan, portName),
  },
  {
    elsewhere: {
      ...noRenderer,
      config: 'that is version 1; write ethernets, bonds, bridges and vlans',
      wifis: 'write k3os.wifi',
      tunnels: 'write a .netdev file with write_files',
      vrfs: 'write a .netdev file with write_files',
    },
  },
);

export type Network = Of<typeof network>;
export type Link = Of<typeof ethernet>;
export type Bond = Of<typeof bond>;
export type Bridge = Of<typeof bridge>;
export type Vlan = Of<typeof vlan>;
export type DhcpOverrides = Of<typeof overrides>;
