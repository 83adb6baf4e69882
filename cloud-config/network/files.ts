import type { Bond, Bridge, DhcpOverrides, Link, Network, Vlan } from '../keys/network.ts';

type Setting = readonly [name: string, value: string | number | boolean | undefined];
type Section = readonly [title: string, settings: readonly Setting[]];
type AnyLink = Link | Bond | Bridge | Vlan;

const yes = (value: boolean | undefined): string | undefined =>
  value === undefined ? undefined : value ? 'yes' : 'no';
const ms = (value: number | undefined): string | undefined => (value === undefined ? undefined : `${value}ms`);

/** A unit file: settings without a value are left out, and so are sections without a setting, unless named alone. */
function unit(sections: readonly Section[]): string {
  return sections
    .map(([title, settings]) => [title, settings.filter(([, value]) => value !== undefined)] as const)
    .filter(([, settings]) => settings.length > 0)
    .map(([title, settings]) => `[${title}]\n${settings.map(([name, value]) => `${name}=${value}\n`).join('')}`)
    .join('\n');
}

const dhcpSettings = (given: DhcpOverrides): Setting[] => [
  ['UseDNS', yes(given['use-dns'])],
  ['UseNTP', yes(given['use-ntp'])],
  ['UseHostname', yes(given['use-hostname'])],
  ['UseDomains', given['use-domains']],
];

const dhcp4Settings = (given: DhcpOverrides): Setting[] => [
  ...dhcpSettings(given),
  ['UseRoutes', yes(given['use-routes'])],
  ['UseMTU', yes(given['use-mtu'])],
  ['RouteMetric', given['route-metric']],
  ['SendHostname', yes(given['send-hostname'])],
  ['Hostname', given.hostname],
];

function networkFile(match: readonly Setting[], link: AnyLink, more: readonly Setting[]): string {
  const { dhcp4, dhcp6, addresses = [], gateway4, gateway6, routes = [], nameservers, optional } = link;
  const linkLocal = link['link-local'];
  const dhcp = dhcp4 && dhcp6 ? 'yes' : dhcp4 ? 'ipv4' : dhcp6 ? 'ipv6' : 'no';
  const both = linkLocal?.includes('ipv4') && linkLocal.includes('ipv6');
  return unit([
    ['Match', match],
    [
      'Link',
      [
        ['MTUBytes', link.mtu],
        ['MACAddress', link.macaddress],
        ['RequiredForOnline', optional ? 'no' : undefined],
      ],
    ],
    [
      'Network',
      [
        ['DHCP', dhcp],
        ['LinkLocalAddressing', linkLocal === undefined ? 'ipv6' : both ? 'yes' : (linkLocal[0] ?? 'no')],
        ['IPv6AcceptRA', yes(link['accept-ra'])],
        ...addresses.map((address): Setting => ['Address', address]),
        ...[gateway4, gateway6].map((gateway): Setting => ['Gateway', gateway]),
        ...(nameservers?.addresses ?? []).map((address): Setting => ['DNS', address]),
        ['Domains', nameservers?.search?.length ? nameservers.search.join(' ') : undefined],
        ...more,
      ],
    ],
    ...routes.map(
      (route): Section => [
        'Route',
        [
          ['Destination', route.to === 'default' ? (route.via?.includes(':') ? '::/0' : '0.0.0.0/0') : route.to],
          ['Gateway', route.via],
          ['GatewayOnLink', yes(route['on-link'])],
          ['PreferredSource', route.from],
          ['Metric', route.metric],
          ['MTUBytes', route.mtu],
          ['Table', route.table],
          ['Type', route.type],
          ['Scope', route.scope],
        ],
      ],
    ),
    ['DHCPv4', [['ClientIdentifier', link['dhcp-identifier']], ...dhcp4Settings(link['dhcp4-overrides'] ?? {})]],
    ['DHCPv6', dhcpSettings(link['dhcp6-overrides'] ?? {})],
  ]);
}

function bondDevice(name: string, { parameters: p = {} }: Bond): string {
  return unit([
    [
      'NetDev',
      [
        ['Name', name],
        ['Kind', 'bond'],
      ],
    ],
    [
      'Bond',
      [
        ['Mode', p.mode ?? 'balance-rr'],
        ['MIIMonitorSec', ms(p['mii-monitor-interval'] ?? 100)],
        ['LACPTransmitRate', p['lacp-rate']],
        ['TransmitHashPolicy', p['transmit-hash-policy']],
        ['UpDelaySec', ms(p['up-delay'])],
        ['DownDelaySec', ms(p['down-delay'])],
        ['MinLinks', p['min-links']],
      ],
    ],
  ]);
}

const device = (name: string, kind: string, more: readonly Section[] = []): string =>
  unit([
    [
      'NetDev',
      [
        ['Name', name],
        ['Kind', kind],
      ],
    ],
    ...more,
  ]);

/**
 * The files of systemd-networkd by their names. Devices are made by `.netdev`, addresses set by `.network`; a port that
 * is part of a bond or bridge, or under a VLAN, is told so in its own file, which is made if the configuration has none.
 */
export function networkFiles(network: Network): Record<string, string> {
  const { ethernets = {}, bonds = {}, bridges = {}, vlans = {} } = network;
  const files: Record<string, string> = {};
  const belongs = new Map<string, Setting[]>();
  const add = (port: string, setting: Setting): void => void belongs.set(port, [...(belongs.get(port) ?? []), setting]);
  // the kernel's command line may have given a part of one alone
  for (const [name, { interfaces = [], parameters }] of Object.entries(bonds))
    for (const port of interfaces) {
      add(port, ['Bond', name]);
      if (parameters?.primary === port) add(port, ['PrimarySlave', 'yes']);
    }
  for (const [name, { interfaces = [] }] of Object.entries(bridges))
    for (const port of interfaces) add(port, ['Bridge', name]);
  for (const [name, { link }] of Object.entries(vlans)) if (link !== undefined) add(link, ['VLAN', name]);

  const put = (name: string, link: AnyLink, match: readonly Setting[] = [['Name', name]]): void => {
    files[`50-cloud-config-${name}.network`] = networkFile(match, link, belongs.get(name) ?? []);
    belongs.delete(name);
  };
  for (const [name, link] of Object.entries(ethernets)) {
    const { match, 'set-name': newName, wakeonlan } = link;
    // no `Name` beside a new one: it may have either when this is read
    const found: Setting[] =
      match === undefined
        ? [['Name', name]]
        : [
            ['Name', newName === undefined ? match.name : undefined],
            // not the one that it has now: a bond gives its ports its own
            ['PermanentMACAddress', match.macaddress],
            ['Driver', match.driver],
            ['Type', match.name === undefined ? 'ether' : undefined],
            ['Kind', match.name === undefined ? '!*' : undefined],
          ];
    put(name, link, found);
    if (newName === undefined && wakeonlan === undefined) continue;
    files[`50-cloud-config-${name}.link`] = unit([
      [
        'Match',
        [
          ['OriginalName', match === undefined ? name : match.name],
          ['PermanentMACAddress', match?.macaddress],
          ['Driver', match?.driver],
        ],
      ],
      [
        'Link',
        [
          ['Name', newName],
          ['WakeOnLan', wakeonlan === undefined ? undefined : wakeonlan ? 'magic' : 'off'],
        ],
      ],
    ]);
  }
  for (const [name, bond] of Object.entries(bonds)) {
    files[`50-cloud-config-${name}.netdev`] = bondDevice(name, bond);
    put(name, bond);
  }
  for (const [name, bridge] of Object.entries(bridges)) {
    const { stp, 'forward-delay': delay } = bridge.parameters ?? {};
    const settings: Setting[] = [
      ['STP', yes(stp)],
      ['ForwardDelaySec', delay],
    ];
    files[`50-cloud-config-${name}.netdev`] = device(name, 'bridge', [['Bridge', settings]]);
    put(name, bridge);
  }
  for (const [name, vlan] of Object.entries(vlans)) {
    files[`50-cloud-config-${name}.netdev`] = device(name, 'vlan', [['VLAN', [['Id', vlan.id]]]]);
    put(name, vlan);
  }
  for (const port of [...belongs.keys()]) put(port, { 'link-local': [] });
  return files;
}
