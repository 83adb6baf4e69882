import { asMap, asText, asTexts, type Loose } from './http.ts';
import { prefixLength } from './network-config.ts';

const listOf = (value: unknown): Loose[] => (Array.isArray(value) ? value.map(asMap) : []);

/** The section of netplan in which a link of `network_data.json` belongs; what is no kind of its own is a port. */
const sectionOf = (type: string): 'bonds' | 'vlans' | 'ethernets' =>
  type === 'bond' ? 'bonds' : type === 'vlan' ? 'vlans' : 'ethernets';

function linkOf(link: Loose): Loose {
  const common = link.mtu === undefined || link.mtu === null ? {} : { mtu: link.mtu };
  const mac = asText(link.ethernet_mac_address) ?? asText(link.vlan_mac_address);
  switch (sectionOf(asText(link.type) ?? '')) {
    case 'bonds':
      return {
        ...common,
        interfaces: asTexts(link.bond_links),
        parameters: {
          ...(asText(link.bond_mode) === undefined ? {} : { mode: link.bond_mode }),
          ...(asText(link.bond_miimon) === undefined ? {} : { 'mii-monitor-interval': link.bond_miimon }),
        },
        ...(mac === undefined ? {} : { macaddress: mac }),
      };
    case 'vlans':
      return {
        ...common,
        id: link.vlan_id,
        link: link.vlan_link,
        ...(mac === undefined ? {} : { macaddress: mac }),
      };
    default:
      return { ...common, ...(mac === undefined ? {} : { match: { macaddress: mac } }) };
  }
}

/** Of a network that does not give its addresses itself. */
function staticAddress(network: Loose): string | undefined {
  const address = asText(network.ip_address);
  if (address === undefined || !/^ipv[46]$/.test(asText(network.type) ?? '')) return undefined;
  return address.includes('/') ? address : `${address}/${prefixLength(asText(network.netmask) ?? '')}`;
}

/** Adds what a network gives the link that it is on. */
function addNetwork(link: Loose, network: Loose, servers: readonly string[]): void {
  const type = asText(network.type) ?? '';
  if (type === 'ipv4_dhcp') link.dhcp4 = true;
  if (type === 'ipv6_dhcp' || type === 'ipv6_dhcpv6-stateful') link.dhcp6 = true;
  const address = staticAddress(network);
  if (address !== undefined) link.addresses = [...asTexts(link.addresses), address];
  const routes = listOf(network.routes).map((route) => {
    const length = prefixLength(asText(route.netmask) ?? '');
    return { to: length === 0 ? 'default' : `${asText(route.network)}/${length}`, via: route.gateway };
  });
  if (routes.length > 0) link.routes = [...listOf(link.routes), ...routes];
  const dns = [
    ...servers,
    ...listOf(network.services).flatMap((one) => (one.type === 'dns' ? asTexts([one.address]) : [])),
  ];
  if (dns.length > 0 && !type.endsWith('dhcp'))
    link.nameservers = { addresses: [...new Set([...asTexts(asMap(link.nameservers).addresses), ...dns])] };
}

/**
 * The network that OpenStack describes in `network_data.json`, in the words of netplan's version 2; undefined where all of
 * it is told by DHCP and router advertisements, as it is without any words.
 */
export function fromNetworkData(data: Loose): Loose | undefined {
  if (!listOf(data.networks).some((network) => staticAddress(network) !== undefined)) return undefined;
  const servers = listOf(data.services).flatMap((one) => (one.type === 'dns' ? asTexts([one.address]) : []));
  const result: Record<string, Record<string, Loose>> = {};
  for (const link of listOf(data.links)) {
    const id = asText(link.id);
    if (id === undefined) continue;
    const made = linkOf(link);
    for (const network of listOf(data.networks)) if (asText(network.link) === id) addNetwork(made, network, servers);
    const section = sectionOf(asText(link.type) ?? '');
    result[section] = { ...result[section], [id]: made };
  }
  return { version: '2', ...result };
}
