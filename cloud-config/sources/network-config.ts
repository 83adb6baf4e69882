import { LineCounter, parse, parseDocument, stringify, visit } from 'yaml';
import type { Network } from '../keys/network.ts';
import { network } from '../keys/network.ts';
import { type Parsed, parseByShape } from '../parse.ts';
import type { Problem } from '../schema.ts';
import { fields } from '../shape.ts';
import { asMap, asText, asTexts, type Loose } from './http.ts';

/** The network that a cloud describes in cloud-init's words, version 2 or 1. */
export function parseNetworkConfig(source: string, text: string): Parsed {
  let given: Loose;
  try {
    given = asMap(parse(text));
  } catch {
    given = {};
  }
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
    const [, , name] = problem.key.split('.');
    let at = 0;
    visit(document, {
      Map(_, node) {
        if (node.get('name') !== name || node.range === undefined || node.range === null) return undefined;
        [at] = node.range;
        return visit.BREAK;
      },
    });
    const { line, col } = lines.linePos(at);
    return { ...problem, line: Math.max(1, line), column: Math.max(1, col) };
  };
}

const kinds: Record<string, string> = { physical: 'ethernets', bond: 'bonds', bridge: 'bridges', vlan: 'vlans' };

/** Version 1 in the words of version 2. */
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
    const kind = kinds[asText(item.type) ?? ''];
    const name = asText(item.name);
    if (kind === undefined || name === undefined) continue;
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
  if (item.mtu !== undefined) link.mtu = item.mtu;
  if (kind === 'vlans') Object.assign(link, { id: item.vlan_id, link: item.vlan_link });
  if (kind === 'bonds') link.interfaces = item.bond_interfaces;
  if (kind === 'bridges') link.interfaces = item.bridge_interfaces;
  const addresses: string[] = [];
  const routes: Loose[] = [];
  const servers: string[] = [];
  const search: string[] = [];
  for (const subnet of (Array.isArray(item.subnets) ? item.subnets : []).map(asMap)) {
    const type = asText(subnet.type) ?? '';
    if (type === 'dhcp' || type === 'dhcp4') link.dhcp4 = true;
    if (type === 'dhcp6' || type === 'ipv6_dhcpv6-stateful') link.dhcp6 = true;
    const address = asText(subnet.address);
    if (address !== undefined)
      addresses.push(address.includes('/') ? address : `${address}/${prefixLength(asText(subnet.netmask) ?? '24')}`);
    const gateway = asText(subnet.gateway);
    if (gateway !== undefined) routes.push({ to: 'default', via: gateway });
    servers.push(...asTexts(subnet.dns_nameservers));
    search.push(...asTexts(subnet.dns_search));
  }
  if (addresses.length > 0) link.addresses = addresses;
  if (routes.length > 0) link.routes = routes;
  if (servers.length > 0) link.nameservers = { addresses: servers, search };
  return link;
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
