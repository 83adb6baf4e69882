import { ipFamily } from '../../base/cidr.ts';
import { sameValue } from '../equal.ts';
import type { EndpointHints, EndpointPort, EndpointSlice } from '../gen/discovery-v1.ts';
import { isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from '../names.ts';
import { strictIpProblem, validateEndpointIp, validateIp } from './addresses.ts';
import { validateLabels } from './metadata.ts';
import { Problems } from './problems.ts';

const most = { endpoints: 1000, addresses: 100, ports: 20_000, hints: 8, topology: 16 } as const;

function validateDomain(p: Problems, path: string, given: string): void {
  if (given === '') {
    p.required(path);
    return;
  }
  const name = given.replace(/\.$/, '');
  const whole = isDns1123Subdomain(name);
  const label = name.split('.').find((part) => isDns1123Label(part).length > 0);
  if (whole.length > 0) p.invalid(path, name, whole.join(','));
  else if (!name.includes('.')) {
    p.invalid(path, name, 'should be a domain with at least two segments separated by dots');
  } else if (label !== undefined) p.invalid(path, label, isDns1123Label(label).join(','));
}

function validateAddress(p: Problems, list: string, i: number, address: string, type: string): void {
  const at = `${list}[${i}]`;
  if (type === 'FQDN') validateDomain(p, at, address);
  if (type !== 'IPv4' && type !== 'IPv6') return;
  const own = new Problems();
  if (type === 'IPv4') validateIp(own, at, address);
  else {
    const why = strictIpProblem(address);
    if (why) own.invalid(at, address, why);
  }
  p.causes.push(...own.causes);
  if (own.causes.length > 0) return;
  if (`IPv${ipFamily(address)}` !== type) p.invalid(list, address, `must be an ${type} address`);
  validateEndpointIp(p, at, address);
}

function validateHints(p: Problems, path: string, hints: EndpointHints): void {
  const grammar = { forZones: isLabelValue, forNodes: isDns1123Subdomain };
  for (const field of ['forZones', 'forNodes'] as const) {
    const list = hints[field] ?? [];
    if (list.length > most.hints) {
      p.tooMany(`${path}.${field}`, list.length, most.hints);
      return;
    }
    const seen = new Set<string>();
    for (const [i, { name = '' }] of list.entries()) {
      const at = `${path}.${field}[${i}].name`;
      if (seen.has(name)) p.duplicate(at, name);
      seen.add(name);
      p.all(at, name, grammar[field](name));
    }
  }
}

function validateEndpoints(p: Problems, { endpoints, addressType = '' }: EndpointSlice): void {
  const list = endpoints ?? [];
  if (list.length > most.endpoints) {
    p.tooMany('endpoints', list.length, most.endpoints);
    return;
  }
  for (const [i, endpoint] of list.entries()) {
    const at = `endpoints[${i}]`;
    const addresses = endpoint.addresses ?? [];
    if (addresses.length === 0) p.required(`${at}.addresses`, 'must contain at least 1 address');
    if (addresses.length > most.addresses) p.tooMany(`${at}.addresses`, addresses.length, most.addresses);
    for (const [j, address] of addresses.entries()) {
      validateAddress(p, `${at}.addresses`, j, address, addressType);
    }
    const { nodeName, deprecatedTopology: topology = {}, hostname, hints } = endpoint;
    if (nodeName !== undefined) p.all(`${at}.nodeName`, nodeName, isDns1123Subdomain(nodeName));
    const count = Object.keys(topology).length;
    if (count > most.topology) p.tooMany(`${at}.deprecatedTopology`, count, most.topology);
    validateLabels(p, topology, `${at}.deprecatedTopology`);
    if (hostname !== undefined) p.all(`${at}.hostname`, hostname, isDns1123Label(hostname));
    if (hints) validateHints(p, `${at}.hints`, hints);
  }
}

function validatePorts(p: Problems, list: readonly EndpointPort[]): void {
  if (list.length > most.ports) {
    p.tooMany('ports', list.length, most.ports);
    return;
  }
  const names = new Set<string>();
  for (const [i, { name = '', protocol, appProtocol }] of list.entries()) {
    const at = `ports[${i}]`;
    if (name) p.all(`${at}.name`, name, isDns1123Label(name));
    if (names.has(name)) p.duplicate(`${at}.name`, name);
    names.add(name);
    const protocols = ['SCTP', 'TCP', 'UDP'];
    if (protocol === undefined) p.required(`${at}.protocol`);
    else if (!protocols.includes(protocol)) p.unsupported(`${at}.protocol`, protocol, protocols);
    if (appProtocol !== undefined) p.all(`${at}.appProtocol`, appProtocol, isQualifiedName(appProtocol));
  }
}

export function validateEndpointSlice(p: Problems, slice: EndpointSlice, old?: EndpointSlice): void {
  p.oneOf('addressType', slice.addressType, ['FQDN', 'IPv4', 'IPv6']);
  validatePorts(p, slice.ports ?? []);
  // What stood there before may stay.
  if (!old || !sameValue(old.endpoints, slice.endpoints)) validateEndpoints(p, slice);
  if (old) p.immutable('addressType', slice.addressType, slice.addressType === old.addressType);
}
