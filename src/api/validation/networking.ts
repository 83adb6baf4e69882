import { isIP } from 'node:net';
import { wasEmpty } from '../canonical.ts';
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  IngressClassParametersReference,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../gen/networking-v1.ts';
import {
  isDns1123Label,
  isDns1123Subdomain,
  isPathSegment,
  isPortName,
  isPortNumber,
  isWildcardDns1123Subdomain,
} from '../names.ts';
import { isCidr, isStrictSubset, validateCidr } from './addresses.ts';
import { validateSelector } from './metadata.ts';
import type { Problems } from './problems.ts';

function validatePolicyPort(p: Problems, path: string, { protocol, port, endPort }: NetworkPolicyPort): void {
  const protocols = ['TCP', 'UDP', 'SCTP'];
  if (protocol !== undefined && !protocols.includes(protocol)) p.unsupported(`${path}.protocol`, protocol, protocols);
  if (typeof port === 'number') {
    p.all(`${path}.port`, port, isPortNumber(port));
    if (endPort === undefined) return;
    if (endPort < port) p.invalid(`${path}.endPort`, port, 'must be greater than or equal to `port`');
    p.all(`${path}.endPort`, endPort, isPortNumber(endPort));
  } else if (port !== undefined) {
    if (endPort !== undefined) p.invalid(`${path}.endPort`, endPort, 'may not be specified when `port` is non-numeric');
    p.all(`${path}.port`, port, isPortName(port));
  } else if (endPort !== undefined) {
    p.invalid(`${path}.endPort`, endPort, 'may not be specified when `port` is not specified');
  }
}

function validatePeer(p: Problems, path: string, peer: NetworkPolicyPeer, before: readonly string[]): void {
  if (peer.podSelector) validateSelector(p, peer.podSelector, `${path}.podSelector`);
  if (peer.namespaceSelector) validateSelector(p, peer.namespaceSelector, `${path}.namespaceSelector`);
  const block = peer.ipBlock;
  if (block) {
    if (!block.cidr) p.required(`${path}.ipBlock.cidr`);
    else {
      validateCidr(p, `${path}.ipBlock.cidr`, block.cidr, before);
      for (const [i, range] of isCidr(block.cidr) ? (block.except ?? []).entries() : []) {
        const at = `${path}.ipBlock.except[${i}]`;
        validateCidr(p, at, range, before);
        if (isStrictSubset(range, block.cidr) === false) p.invalid(at, range, 'must be a strict subset of `cidr`');
      }
    }
  }
  const others = peer.podSelector ?? peer.namespaceSelector;
  if (!others && !block) p.required(path, 'must specify a peer');
  else if (others && block) p.forbidden(path, 'may not specify both ipBlock and another peer');
}

/** Every network that a policy names. */
const rangesOf = (policy: NetworkPolicy | undefined): string[] =>
  [...(policy?.spec?.ingress ?? []).map(({ from }) => from), ...(policy?.spec?.egress ?? []).map(({ to }) => to)]
    .flatMap((peers) => peers ?? [])
    .flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : []));

export function validateNetworkPolicy(p: Problems, { spec }: NetworkPolicy, old?: NetworkPolicy): void {
  if (!spec) return;
  const before = rangesOf(old);
  validateSelector(p, spec.podSelector, 'spec.podSelector');
  for (const [i, rule] of (spec.ingress ?? []).entries()) {
    for (const [j, port] of (rule.ports ?? []).entries()) validatePolicyPort(p, `spec.ingress[${i}].ports[${j}]`, port);
    for (const [j, peer] of (rule.from ?? []).entries()) validatePeer(p, `spec.ingress[${i}].from[${j}]`, peer, before);
  }
  for (const [i, rule] of (spec.egress ?? []).entries()) {
    for (const [j, port] of (rule.ports ?? []).entries()) validatePolicyPort(p, `spec.egress[${i}].ports[${j}]`, port);
    for (const [j, peer] of (rule.to ?? []).entries()) validatePeer(p, `spec.egress[${i}].to[${j}]`, peer, before);
  }
  const kinds = spec.policyTypes ?? [];
  if (kinds.length > 2) {
    p.invalid('spec.policyTypes', kinds, 'may not specify more than two policyTypes');
    return;
  }
  for (const [i, kind] of kinds.entries()) {
    if (kind !== 'Ingress' && kind !== 'Egress') {
      p.unsupported(`spec.policyTypes[${i}]`, kind, ['Ingress', 'Egress']);
    }
  }
}

function validateBackend(p: Problems, path: string, backend: IngressBackend): void {
  const { resource, service } = backend;
  if (resource && service) p.invalid(path, '', 'cannot set both resource and service backends');
  else if (resource) {
    const at = `${path}.resource`;
    // It always appears, and is null where it is not given.
    const { apiGroup: group = null } = resource;
    if (group !== null) p.all(`${at}.apiGroup`, group, isDns1123Subdomain(group));
    for (const field of ['kind', 'name'] as const) {
      if (!resource[field]) p.required(`${at}.${field}`);
      else p.all(`${at}.${field}`, resource[field], isPathSegment(resource[field]));
    }
  } else if (service) {
    if (!service.name) p.required(`${path}.service.name`);
    else p.all(`${path}.service.name`, service.name, isDns1123Label(service.name));
    const { name, number } = service.port ?? {};
    if (name && number) p.invalid(path, '', 'cannot set both port name & port number');
    else if (name) p.all(`${path}.service.port.name`, name, isPortName(name));
    else if (number) p.all(`${path}.service.port.number`, number, isPortNumber(number));
    else p.required(path, 'port name or number is required');
  } else p.invalid(path, '', 'resource or service backend is required');
}

const forbiddenParts = ['//', '/./', '/../', '%2f', '%2F'];
const forbiddenEnds = ['/..', '/.'];

function validatePath(p: Problems, at: string, { path = '', pathType, backend }: HTTPIngressPath): void {
  if (pathType === undefined || pathType === null) {
    p.required(`${at}.pathType`, 'pathType must be specified');
    return;
  }
  const field = `${at}.path`;
  const relative = (): void => p.invalid(field, path, 'must be an absolute path');
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) relative();
    for (const part of forbiddenParts) if (path.includes(part)) p.invalid(field, path, `must not contain '${part}'`);
    for (const end of forbiddenEnds) if (path.endsWith(end)) p.invalid(field, path, `cannot end with '${end}'`);
  } else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) relative();
  } else p.unsupported(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']);
  validateBackend(p, `${at}.backend`, backend ?? {});
}

function validateHost(p: Problems, path: string, host: string): void {
  p.all(path, host, host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host));
}

const classAnnotation = 'kubernetes.io/ingress.class';

export function validateIngress(p: Problems, { metadata, spec = {} }: Ingress, old?: Ingress): void {
  const rules = spec.rules ?? [];
  if (rules.length === 0 && !spec.defaultBackend) {
    p.invalid('spec', wasEmpty(spec, 'rules') ? [] : null, 'either `defaultBackend` or `rules` must be specified');
  }
  if (spec.defaultBackend) validateBackend(p, 'spec.defaultBackend', spec.defaultBackend);
  for (const [i, rule] of rules.entries()) {
    const at = `spec.rules[${i}]`;
    if (rule.host) {
      if (isIP(rule.host) !== 0) p.invalid(`${at}.host`, rule.host, 'must be a DNS name, not an IP address');
      validateHost(p, `${at}.host`, rule.host);
    }
    if (!rule.http) continue;
    if (!rule.http.paths?.length) p.required(`${at}.http.paths`);
    for (const [j, path] of (rule.http.paths ?? []).entries()) validatePath(p, `${at}.http.paths[${j}]`, path);
  }
  for (const [i, tls] of (spec.tls ?? []).entries()) {
    for (const [j, host] of (tls.hosts ?? []).entries()) validateHost(p, `spec.tls[${i}].hosts[${j}]`, host);
    if (tls.secretName) p.all(`spec.tls[${i}].secretName`, tls.secretName, isDns1123Subdomain(tls.secretName));
  }
  const name = spec.ingressClassName;
  if (name !== undefined) p.all('spec.ingressClassName', name, isDns1123Subdomain(name));
  const noted = metadata.annotations?.[classAnnotation];
  if (!old && noted !== undefined && name !== undefined && noted !== name) {
    p.invalid(`annotations.${classAnnotation}`, noted, 'must match `ingressClassName` when both are specified');
  }
}

function validateParameters(p: Problems, path: string, given: IngressClassParametersReference): void {
  const { apiGroup, namespace, scope } = given;
  if (apiGroup !== undefined) p.all(`${path}.apiGroup`, apiGroup, isDns1123Subdomain(apiGroup));
  for (const field of ['kind', 'name'] as const) {
    if (!given[field]) p.required(`${path}.${field}`);
    else p.all(`${path}.${field}`, given[field], isPathSegment(given[field]));
  }
  const scopes = ['Cluster', 'Namespace'];
  if (scope === undefined) p.required(`${path}.scope`);
  else if (!scopes.includes(scope)) p.unsupported(`${path}.scope`, scope, scopes);
  else if (scope === 'Cluster') {
    if (namespace !== undefined) p.forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'");
  } else if (namespace === undefined) p.required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'");
  else p.all(`${path}.namespace`, namespace, isDns1123Label(namespace));
}

export function validateIngressClass(p: Problems, { spec = {} }: IngressClass, old?: IngressClass): void {
  const controller = spec.controller ?? '';
  const at = 'spec.controller';
  if (old) p.immutable(at, controller, controller === (old.spec?.controller ?? ''));
  if (controller.length > 250) p.tooLong(at, 250);
  const slash = controller.indexOf('/');
  if (controller === '') p.required(at);
  else if (slash <= 0 || slash === controller.length - 1) {
    p.invalid(at, controller, 'must be a domain-prefixed path (such as "acme.io/foo")');
  } else p.all(at, controller.slice(0, slash), isDns1123Subdomain(controller.slice(0, slash)));
  if (spec.parameters) validateParameters(p, 'spec.parameters', spec.parameters);
}
