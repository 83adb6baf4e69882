import { isIP } from 'node:net';
import type { EndpointAddress, EndpointPort, Endpoints, Service, ServiceSpec } from '../gen/core-v1.ts';
import type { Ingress } from '../gen/networking-v1.ts';
import { isDns1123Label, isDns1123Subdomain, isPortNumber, isQualifiedName } from '../names.ts';
import { validateCidr, validateEndpointIp, validateIp } from './addresses.ts';
import { validateLabels } from './metadata.ts';
import { validatePortNumberOrName } from './probes.ts';
import { Problems } from './problems.ts';
import { isHeadless, validateAddressUpdate, validateClusterIps } from './service-addresses.ts';

const protocols = ['SCTP', 'TCP', 'UDP'];
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const affinities = ['ClientIP', 'None'];

export function validateService(p: Problems, service: Service, old?: Service): void {
  const spec = service.spec ?? {};
  const was = old?.spec ?? {};
  if (old) validateServiceUpdate(p, spec, was);
  validateAnnotated(p, service);
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') p.required('spec.ports');
  validateType(p, spec);
  validatePorts(p, spec);
  validateLabels(p, spec.selector, 'spec.selector');
  p.oneOf('spec.sessionAffinity', spec.sessionAffinity, affinities);
  validateAffinity(p, spec);
  if (spec.type !== 'ExternalName') validateClusterIps(p, spec, was.clusterIPs);
  for (const [i, address] of (spec.externalIPs ?? []).entries()) {
    const own = new Problems();
    validateIp(own, `spec.externalIPs[${i}]`, address, was.externalIPs);
    if (own.causes.length === 0) validateEndpointIp(own, `spec.externalIPs[${i}]`, address);
    p.causes.push(...own.causes);
  }
  p.oneOf('spec.type', spec.type, types);
  validatePortUse(p, spec);
  validateBalancer(p, service, old);
  validateTraffic(p, spec);
}

function validateServiceUpdate(p: Problems, spec: ServiceSpec, old: ServiceSpec): void {
  validateAddressUpdate(p, spec, old);
  if (spec.type === 'LoadBalancer' && old.type === 'LoadBalancer') {
    if (spec.loadBalancerClass !== old.loadBalancerClass) {
      p.invalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, 'may not change once set');
    }
  }
  // A change is looked at for this first, and once more with the rest.
  validateBalancerClass(p, spec);
  const checked = [spec, old].every((s) => s.type === 'LoadBalancer' && s.externalTrafficPolicy === 'Local');
  if (checked && spec.healthCheckNodePort !== old.healthCheckNodePort) {
    p.forbidden('spec.healthCheckNodePort', 'field is immutable');
  }
}

const topologyHints = 'service.kubernetes.io/topology-aware-hints';
const topologyMode = 'service.kubernetes.io/topology-mode';

function validateAnnotated(p: Problems, { metadata }: Service): void {
  const { [topologyHints]: hints, [topologyMode]: mode } = metadata.annotations ?? {};
  if (hints === undefined || mode === undefined || hints === mode) return;
  const why = `must match annotations[${topologyHints}] when both are specified`;
  p.invalid(`metadata.annotations[${topologyMode}]`, mode, why);
}

function validateType(p: Problems, spec: ServiceSpec): void {
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(spec)) {
    p.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`);
  }
  if (spec.type !== 'ExternalName') return;
  for (const field of ['clusterIPs', 'ipFamilies'] as const) {
    if (spec[field]?.length) p.forbidden(`spec.${field}`, 'may not be set for ExternalName services');
  }
  if (spec.ipFamilyPolicy !== undefined) p.forbidden('spec.ipFamilyPolicy', 'may not be set for ExternalName services');
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') p.required('spec.externalName');
  else p.all('spec.externalName', name, isDns1123Subdomain(name));
}

function validatePorts(p: Problems, { ports = [] }: ServiceSpec): void {
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const at = `spec.ports[${i}]`;
    if (ports.length > 1 && !port.name) p.required(`${at}.name`);
    else if (port.name) {
      p.all(`${at}.name`, port.name, isDns1123Label(port.name));
      if (names.has(port.name)) p.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    p.all(`${at}.port`, port.port, isPortNumber(port.port));
    p.oneOf(`${at}.protocol`, port.protocol, protocols);
    validatePortNumberOrName(p, `${at}.targetPort`, port.targetPort);
    if (port.appProtocol !== undefined) p.all(`${at}.appProtocol`, port.appProtocol, isQualifiedName(port.appProtocol));
  }
}

function validateAffinity(p: Problems, { sessionAffinity, sessionAffinityConfig: config }: ServiceSpec): void {
  const at = 'spec.sessionAffinityConfig';
  if (sessionAffinity === 'None' && config) p.forbidden(at, 'must not be set when session affinity is None');
  if (sessionAffinity !== 'ClientIP') return;
  const why = 'when session affinity type is ClientIP';
  const seconds = config?.clientIP?.timeoutSeconds;
  if (!config) p.required(at, why);
  else if (!config.clientIP) p.required(`${at}.clientIP`, why);
  else if (seconds === undefined) p.required(`${at}.clientIP.timeoutSeconds`, why);
  else if (seconds <= 0 || seconds > 86400) {
    p.invalid(`${at}.clientIP.timeoutSeconds`, seconds, 'must be greater than 0 and less than 86400');
  }
}

function validatePortUse(p: Problems, { type, ports = [] }: ServiceSpec): void {
  if (type === 'ClusterIP') {
    for (const [i, port] of ports.entries()) {
      if (port.nodePort) p.forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'");
    }
  }
  const nodePorts = new Set<string>();
  for (const [i, port] of ports.entries()) {
    if (!port.nodePort) continue;
    const key = `${port.protocol}/${port.nodePort}`;
    if (nodePorts.has(key)) p.duplicate(`spec.ports[${i}].nodePort`, port.nodePort);
    nodePorts.add(key);
  }
  const taken = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const key = `${port.protocol}/${port.port}`;
    // What upstream shows is its internal form of the port.
    const shown = { Name: '', Protocol: port.protocol, AppProtocol: null, Port: port.port, TargetPort: 0, NodePort: 0 };
    if (taken.has(key)) p.duplicate(`spec.ports[${i}]`, shown);
    taken.add(key);
  }
}

const only = "may only be used when `type` is 'LoadBalancer'";
const rangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';

function validateRanges(p: Problems, { metadata, spec = {} }: Service, old: Service | undefined): void {
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const noted = metadata.annotations?.[rangesAnnotation];
  const at = ranges.length > 0 ? 'spec.LoadBalancerSourceRanges' : `metadata.annotations[${rangesAnnotation}]`;
  const isGiven = ranges.length > 0 || noted !== undefined;
  if (isGiven && spec.type !== 'LoadBalancer') p.forbidden(at, only);
  const before = old?.spec?.loadBalancerSourceRanges;
  for (const [i, range] of ranges.entries()) validateCidr(p, `${at}[${i}]`, range.trim(), before);
  if (ranges.length > 0 || noted === undefined || noted.trim() === '') return;
  if (noted === old?.metadata.annotations?.[rangesAnnotation]) return;
  for (const range of noted.trim().split(',')) validateCidr(p, at, range.trim());
}

function validateBalancerClass(p: Problems, { type, loadBalancerClass: name }: ServiceSpec): void {
  if (name === undefined) return;
  if (type === 'LoadBalancer') p.all('spec.loadBalancerClass', name, isQualifiedName(name));
  else p.forbidden('spec.loadBalancerClass', only);
}

function validateBalancer(p: Problems, service: Service, old: Service | undefined): void {
  const { spec = {} } = service;
  const balanced = spec.type === 'LoadBalancer';
  validateRanges(p, service, old);
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balanced) {
    p.forbidden('spec.allocateLoadBalancerNodePorts', only);
  }
  if (balanced && spec.allocateLoadBalancerNodePorts === undefined) p.required('allocateLoadBalancerNodePorts');
  validateBalancerClass(p, spec);
}

function validateTraffic(p: Problems, spec: ServiceSpec): void {
  const { type, externalTrafficPolicy: policy, healthCheckNodePort: health = 0 } = spec;
  const external =
    type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
  if (external) p.oneOf('spec.externalTrafficPolicy', policy, ['Cluster', 'Local']);
  else if (policy) {
    p.invalid('spec.externalTrafficPolicy', policy, 'may only be set for externally-accessible services');
  }
  if (type === 'LoadBalancer' && policy === 'Local') {
    if (health === 0) p.required('spec.healthCheckNodePort');
    else p.all('spec.healthCheckNodePort', health, isPortNumber(health));
  } else if (health !== 0) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    p.invalid('spec.healthCheckNodePort', health, why);
  }
  const internal = spec.internalTrafficPolicy;
  if (internal === undefined) {
    if (type !== undefined && type !== 'ExternalName' && types.includes(type)) p.required('spec.internalTrafficPolicy');
  } else if (!['Cluster', 'Local'].includes(internal)) {
    p.unsupported('spec.internalTrafficPolicy', internal, ['Cluster', 'Local']);
  }
  const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  const distribution = spec.trafficDistribution;
  if (distribution !== undefined && !distributions.includes(distribution)) {
    p.unsupported('spec.trafficDistribution', distribution, distributions);
  }
}

export function validateServiceStatus(p: Problems, { spec, status }: Service, old: Service): void {
  const list = status?.loadBalancer?.ingress ?? [];
  const at = 'status.loadBalancer.ingress';
  if (spec?.type !== 'LoadBalancer' && list.length > 0) {
    p.forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  const before = addressesOf(old.status?.loadBalancer?.ingress);
  const modes = ['Proxy', 'VIP'];
  for (const [i, { ip, ipMode, hostname }] of list.entries()) {
    if (ip) validateIp(p, `${at}[${i}].ip`, ip, before);
    if (ipMode === undefined) {
      if (ip) p.required(`${at}[${i}].ipMode`, 'must be specified when `ip` is set');
    } else if (!ip) p.forbidden(`${at}[${i}].ipMode`, 'may not be specified when `ip` is not set');
    else p.known(`${at}[${i}].ipMode`, ipMode, modes);
    validateBalancerHost(p, `${at}[${i}].hostname`, hostname);
  }
}

interface BalancerEntry {
  ip?: string | undefined;
  hostname?: string | undefined;
}

const addressesOf = (list: readonly BalancerEntry[] | undefined): string[] =>
  (list ?? []).flatMap(({ ip }) => (ip ? [ip] : []));

function validateBalancerHost(p: Problems, path: string, name: string | undefined): void {
  if (!name) return;
  p.all(path, name, isDns1123Subdomain(name));
  if (isIP(name) !== 0) p.invalid(path, name, 'must be a DNS name, not an IP address');
}

/** Where an ingress is reached. */
export function validateIngressStatus(p: Problems, { status }: Ingress, old: Ingress): void {
  const before = addressesOf(old.status?.loadBalancer?.ingress);
  for (const [i, { ip, hostname }] of (status?.loadBalancer?.ingress ?? []).entries()) {
    const at = `status.loadBalancer.ingress[${i}]`;
    if (ip) validateIp(p, `${at}.ip`, ip, before);
    validateBalancerHost(p, `${at}.hostname`, hostname);
  }
}

function validateAddress(p: Problems, path: string, address: EndpointAddress, before: readonly string[]): void {
  validateIp(p, `${path}.ip`, address.ip ?? '', before);
  if (address.hostname) p.all(`${path}.hostname`, address.hostname, isDns1123Label(address.hostname));
  if (address.nodeName !== undefined) p.all(`${path}.nodeName`, address.nodeName, isDns1123Subdomain(address.nodeName));
  validateEndpointIp(p, `${path}.ip`, address.ip ?? '');
}

function validatePort(p: Problems, path: string, port: EndpointPort, named: boolean): void {
  if (named && !port.name) p.required(`${path}.name`);
  else if (port.name) p.all(`${path}.name`, port.name, isDns1123Label(port.name));
  p.all(`${path}.port`, port.port, isPortNumber(port.port));
  p.oneOf(`${path}.protocol`, port.protocol, protocols);
  if (port.appProtocol !== undefined) p.all(`${path}.appProtocol`, port.appProtocol, isQualifiedName(port.appProtocol));
}

export function validateEndpoints(p: Problems, { subsets = [] }: Endpoints, old?: Endpoints): void {
  const before = (old?.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [] }) =>
    [...addresses, ...notReadyAddresses].map(({ ip }) => ip),
  );
  for (const [i, subset] of subsets.entries()) {
    const at = `subsets[${i}]`;
    if (!subset.addresses?.length && !subset.notReadyAddresses?.length) {
      p.required(at, 'must specify `addresses` or `notReadyAddresses`');
    }
    for (const list of ['addresses', 'notReadyAddresses'] as const) {
      for (const [j, address] of (subset[list] ?? []).entries())
        validateAddress(p, `${at}.${list}[${j}]`, address, before);
    }
    const ports = subset.ports ?? [];
    for (const [j, port] of ports.entries()) validatePort(p, `${at}.ports[${j}]`, port, ports.length > 1);
  }
}
