import { LineCounter, parse, parseDocument, stringify, visit } from 'yaml';
import type { Network } from '../keys/network.ts';
import { network } from '../keys/network.ts';
import { type Parsed, parseByShape } from '../parse.ts';
import type { Problem } from '../schema.ts';
import { fields } from '../shape.ts';
import { asMap, asText, asTexts, known, type Loose } from './http.ts';

/** The network that a cloud describes in cloud-init's words, version 2 or 1. */
export function parseNetworkConfig(source: string, text: string): Parsed {
  let read: unknown;
  try {
    read = parse(text, { logLevel: 'error' });
  } catch {
    read = text;
  }
  // what is no YAML, or no map, is told of as whatever else is wrong
  if (typeof read !== 'object' || Array.isArray(read))
    return { config: {}, problems: parseByShape(source, text, network, 'network').problems };
  const given = asMap(read);
  const inner = given.network === undefined ? given : asMap(given.network);
  if (Object.keys(inner).length === 0 || inner.config === 'disabled') return { config: {}, problems: [] };
  if (asText(inner.version) === '1') {
    const read = parseByShape(source, stringify(fromVersion1(inner)), network, 'network');
    return { config: { network: read.config as Network }, problems: read.problems.map(standingIn(text)) };
  }
  // the cloud's file may nest it or not
  if (given.network === undefined) {
    const read = parseByShape(source, text, network, 'network');
    return { config: { network: read.config as Network }, problems: read.problems };
  }
  return parseByShape(source, text, fields('the network', { network })) as Parsed;
}

/** Where in a text of version 1 the device stands whose setting, in the words of version 2, is wrong. */
function standingIn(text: string): (problem: Problem) => Problem {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  return (problem) => {
    const [, kind, name] = problem.key.split('.');
    let at = 0;
    visit(document, {
      Map(_, node) {
        const found = name === undefined ? node.get('type') === kind : node.get('name') === name;
        if (!found || node.range === undefined || node.range === null) return undefined;
        [at] = node.range;
        return visit.BREAK;
      },
    });
    const { line, col } = lines.linePos(at);
    return { ...problem, line: Math.max(1, line), column: Math.max(1, col) };
  };
}

const kinds: Record<string, string> = { physical: 'ethernets', bond: 'bonds', bridge: 'bridges', vlan: 'vlans' };

type Word = readonly [name: string, values?: readonly string[]];

/** Parameters of version 1 as version 2 calls them, and what their numbers mean. */
const bondWords: Readonly<Record<string, Word>> = {
  mode: ['mode', ['balance-rr', 'active-backup', 'balance-xor', 'broadcast', '802.3ad', 'balance-tlb', 'balance-alb']],
  miimon: ['mii-monitor-interval'],
  'lacp-rate': ['lacp-rate', ['slow', 'fast']],
  'xmit-hash-policy': ['transmit-hash-policy', ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4']],
  primary: ['primary'],
  updelay: ['up-delay'],
  downdelay: ['down-delay'],
  'min-links': ['min-links'],
};
const bridgeWords: Readonly<Record<string, Word>> = { stp: ['stp'], fd: ['forward-delay'] };

/** What has no such word keeps its own, and is told of as unknown. */
function parametersOf(item: Loose, words: Readonly<Record<string, Word>>): Loose | undefined {
  const given = Object.entries(asMap(item.params));
  if (given.length === 0) return undefined;
  return Object.fromEntries(
    given.map(([key, value]) => {
      const [name, values] = words[key.replaceAll('_', '-').replace(/^(bond|bridge)-/, '')] ?? [key];
      return [name, values?.[Number(asText(value) ?? '')] ?? value];
    }),
  );
}

const dhcpTypes: Readonly<Record<string, Loose>> = {
  dhcp: { dhcp4: true },
  dhcp4: { dhcp4: true },
  dhcp6: { dhcp6: true },
  'ipv6_dhcpv6-stateful': { dhcp6: true },
  'ipv6_dhcpv6-stateless': { 'accept-ra': true },
  ipv6_slaac: { 'accept-ra': true },
  static: {},
  static6: {},
  manual: {},
};

/** Version 1 in the words of version 2. What has none keeps its own, and is told of when the result is read. */
export function fromVersion1(given: Loose): Loose {
  const result: Record<string, Loose> = {};
  const servers: string[] = [];
  const search: string[] = [];
  for (const item of (Array.isArray(given.config) ? given.config : []).map(asMap)) {
    if (item.type === 'nameserver') {
      servers.push(...asTexts(item.address));
      search.push(...asTexts(item.search));
      continue;
    }
    const type = asText(item.type) ?? 'an entry without a type';
    if (type === 'loopback') continue;
    const kind = kinds[type] ?? type;
    const name = asText(item.name) ?? 'without a name';
    result[kind] = { ...result[kind], [name]: linkOf(item, kind, name) };
  }
  if (servers.length + search.length > 0)
    for (const links of Object.values(result))
      for (const link of Object.values(links).map(asMap)) link.nameservers ??= { addresses: servers, search };
  return { version: '2', ...result };
}

function linkOf(item: Loose, kind: string, name: string): Loose {
  const link: Loose = {};
  const mac = asText(item.mac_address);
  if (kind === 'ethernets' && mac !== undefined) Object.assign(link, { match: { macaddress: mac }, 'set-name': name });
  else if (mac !== undefined) link.macaddress = mac;
  if (item.mtu !== undefined) link.mtu = item.mtu;
  if (kind === 'vlans') Object.assign(link, { id: item.vlan_id, link: item.vlan_link });
  if (item['accept-ra'] !== undefined) link['accept-ra'] = item['accept-ra'];
  if (kind === 'bonds')
    Object.assign(link, { interfaces: item.bond_interfaces, parameters: parametersOf(item, bondWords) });
  if (kind === 'bridges')
    Object.assign(link, { interfaces: item.bridge_interfaces, parameters: parametersOf(item, bridgeWords) });
  const addresses: string[] = [];
  const routes: Loose[] = [];
  const servers: string[] = [];
  const search: string[] = [];
  for (const subnet of (Array.isArray(item.subnets) ? item.subnets : []).map(asMap)) {
    // Hetzner has said none of fixed addresses
    const type = asText(subnet.type) ?? 'static';
    Object.assign(link, dhcpTypes[type] ?? { [`subnets of type ${type}`]: true });
    const address = asText(subnet.address);
    if (address !== undefined) addresses.push(withPrefix(address, asText(subnet.netmask)));
    const gateway = asText(subnet.gateway);
    if (gateway !== undefined) routes.push({ to: 'default', via: gateway });
    for (const route of (Array.isArray(subnet.routes) ? subnet.routes : []).map(asMap)) {
      const to = asText(route.destination) ?? asText(route.network) ?? '';
      routes.push({
        ...known({ metric: route.metric, via: route.gateway }),
        to: withPrefix(to, asText(route.netmask)),
      });
    }
    servers.push(...asTexts(subnet.dns_nameservers));
    search.push(...asTexts(subnet.dns_search));
  }
  if (addresses.length > 0) link.addresses = addresses;
  if (routes.length > 0) link.routes = routes;
  if (servers.length > 0) link.nameservers = { addresses: servers, search };
  return link;
}

/** An address with its prefix, which a mask beside it may give; without either, that which such networks have mostly. */
function withPrefix(address: string, mask: string | undefined): string {
  if (address.includes('/')) return address;
  return `${address}/${mask === undefined ? (address.includes(':') ? 64 : 24) : prefixLength(mask)}`;
}

/** The length of a prefix: of a netmask of either family, or of the length itself. */
export function prefixLength(mask: string): number {
  if (/^\d+$/.test(mask)) return Number(mask);
  const radix = mask.includes(':') ? 16 : 10;
  const ones = (part: string): number => Number.parseInt(part, radix).toString(2).replaceAll('0', '').length;
  return mask
    .split(/[.:]/)
    .filter((part) => part !== '')
    .reduce((sum, part) => sum + ones(part), 0);
}
