import { isIP } from 'node:net';
import { sameValue } from '../equal.ts';
import type { APIService } from '../gen/apiregistration-v1.ts';
import type { CertificateSigningRequest } from '../gen/certificates-v1.ts';
import type { FlowSchema, LimitResponse, PriorityLevelConfiguration } from '../gen/flowcontrol-v1.ts';
import type { IPAddress, ServiceCIDR } from '../gen/networking-v1.ts';
import { inRange, isDns1035Label, isDns1123Subdomain, isPathSegment } from '../names.ts';
import { isCidr, validateCidr } from './addresses.ts';
import type { NameRule } from './metadata.ts';
import type { Problems } from './problems.ts';

/** An APIService is called after what it serves. */
export const apiServiceNames =
  ({ spec }: APIService): NameRule =>
  (name) => {
    const wrong = isPathSegment(name);
    const expected = `${spec?.version ?? ''}.${spec?.group ?? ''}`;
    if (wrong.length > 0 || name === expected) return wrong;
    return [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(expected)}`];
  };

export function validateApiService(p: Problems, { spec = {} as never }: APIService): void {
  const { group = '', version = '', service } = spec;
  if (group !== '') p.all('spec.group', group, isDns1123Subdomain(group));
  else if (version !== 'v1') p.required('spec.group', 'only v1 may have an empty group and it better be legacy kube');
  p.all('spec.version', version, isDns1035Label(version));
  const priority = (field: 'groupPriorityMinimum' | 'versionPriority', max: number): void => {
    const value = spec[field] ?? 0;
    if (value <= 0 || value > max) p.invalid(`spec.${field}`, value, `must be positive and less than ${max}`);
  };
  priority('groupPriorityMinimum', 20000);
  priority('versionPriority', 1000);
  if (!service) {
    if (spec.caBundle)
      p.invalid('spec.caBundle', `${spec.caBundle.length} bytes`, 'local APIServices may not have a caBundle');
    if (spec.insecureSkipTLSVerify) {
      p.invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify');
    }
    return;
  }
  if (!service.namespace) p.required('spec.service.namespace');
  if (!service.name) p.required('spec.service.name');
  const port = service.port ?? 443;
  if (port < 1 || port > 65535) p.invalid('spec.service.port', port, `port is not valid: ${inRange(1, 65535)}`);
  if (spec.insecureSkipTLSVerify && spec.caBundle) {
    p.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present');
  }
}

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

export function validateSigningRequest(
  p: Problems,
  { spec }: CertificateSigningRequest,
  old?: CertificateSigningRequest,
): void {
  if (old) return;
  const text = Buffer.from(spec.request ?? '', 'base64').toString('latin1');
  if (!/-----BEGIN CERTIFICATE REQUEST-----/.test(text)) {
    p.invalid('spec.request', spec.request ?? null, 'PEM block type must be CERTIFICATE REQUEST');
  }
  const given = spec.usages ?? [];
  if (given.length === 0) p.required('spec.usages');
  for (const [i, usage] of given.entries()) {
    if (!usages.includes(usage)) p.unsupported(`spec.usages[${i}]`, usage, usages);
    if (given.indexOf(usage) < i) p.duplicate(`spec.usages[${i}]`, usage);
  }
  validateSigner(p, 'spec.signerName', spec.signerName ?? '');
  const seconds = spec.expirationSeconds;
  if (seconds !== undefined && seconds < 600) {
    p.invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)');
  }
}

function validateSigner(p: Problems, path: string, name: string): void {
  if (name === '') {
    p.required(path);
    return;
  }
  const parts = name.split('/');
  if (parts.length !== 2) {
    p.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    return;
  }
  const [domain = '', rest = ''] = parts;
  p.all(path, name, isDns1123Subdomain(domain));
  if (domain.split('.').length < 2)
    p.invalid(path, domain, 'should be a domain with at least two segments separated by dots');
  p.all(path, name, isDns1123Subdomain(rest));
}

export function validateIpAddress(p: Problems, { metadata, spec }: IPAddress, old?: IPAddress): void {
  const ref = spec?.parentRef;
  if (old) {
    p.immutable('spec.parentRef', ref, sameValue(ref, old.spec?.parentRef));
    return;
  }
  if (isIP(metadata.name ?? '') === 0) return;
  if (!ref) {
    p.required('spec.parentRef');
    return;
  }
  if (ref.group) p.all('spec.parentRef.group', ref.group, isDns1123Subdomain(ref.group));
  for (const field of ['resource', 'name', 'namespace'] as const) {
    const value = ref[field];
    if (value) p.all(`spec.parentRef.${field}`, value, isPathSegment(value));
    else if (field !== 'namespace') p.required(`spec.parentRef.${field}`);
  }
}

export function validateServiceCidr(p: Problems, { spec }: ServiceCIDR, old?: ServiceCIDR): void {
  const cidrs = spec?.cidrs ?? [];
  if (old && !sameValue(cidrs, old.spec?.cidrs ?? [])) p.invalid('spec.cidrs', cidrs, 'field is immutable');
  if (cidrs.length === 0) {
    p.required('spec.cidrs', 'at least one CIDR required');
    return;
  }
  const good = cidrs.filter(isCidr);
  const families = new Set(good.map((c) => isIP(c.split('/')[0] ?? '')));
  if (cidrs.length > 2) p.invalid('spec.cidrs', cidrs, 'may only hold up to 2 values');
  else if (good.length === 2 && families.size < 2) {
    const why = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
    p.invalid('spec.cidrs', cidrs, why);
  }
  for (const [i, cidr] of cidrs.entries()) validateCidr(p, `spec.cidrs[${i}]`, cidr);
}

export function validateFlowSchema(p: Problems, { spec }: FlowSchema): void {
  const precedence = spec?.matchingPrecedence ?? 0;
  if (precedence <= 0) p.invalid('spec.matchingPrecedence', precedence, 'must be a positive value');
  else if (precedence > 10000) p.invalid('spec.matchingPrecedence', precedence, 'must not be greater than 10000');
  const methods = ['ByNamespace', 'ByUser'];
  const method = spec?.distinguisherMethod;
  if (method && !methods.includes(method.type)) {
    p.unsupported('spec.distinguisherMethod.type', { Type: method.type ?? '' }, methods);
  }
  const name = spec?.priorityLevelConfiguration.name;
  if (!name) p.required('spec.priorityLevelConfiguration.name', 'must reference a priority level');
  else p.all('spec.priorityLevelConfiguration.name', name, isDns1123Subdomain(name));
}

export function validatePriorityLevel(p: Problems, { spec }: PriorityLevelConfiguration): void {
  const { type, limited, exempt } = spec ?? {};
  if (!type) {
    p.required('spec.type');
    return;
  }
  if (type !== 'Exempt' && type !== 'Limited') {
    p.unsupported('spec.type', type, ['Exempt', 'Limited']);
    return;
  }
  if (type === 'Exempt') {
    if (limited) p.forbidden('spec.limited', 'must be nil if the type is not Limited');
    return;
  }
  if (exempt) p.forbidden('spec.exempt', 'must be nil if the type is Limited');
  if (!limited) {
    p.required('spec.limited', 'must not be empty when type is Limited');
    return;
  }
  const shares = limited.nominalConcurrencyShares;
  if (shares !== undefined && shares < 0) {
    p.invalid('spec.limited.nominalConcurrencyShares', shares, 'must be a non-negative integer');
  }
  const response: Partial<LimitResponse> = limited.limitResponse ?? {};
  if (!response.type) p.required('spec.limited.limitResponse.type');
  else if (response.type === 'Reject') {
    if (response.queuing) {
      const why = 'must be nil if limited.limitResponse.type is not Limited';
      p.forbidden('spec.limited.limitResponse.queuing', why);
    }
  } else if (response.type !== 'Queue') {
    p.unsupported('spec.limited.limitResponse.type', response.type, ['Queue', 'Reject']);
  } else if (!response.queuing) {
    p.required('spec.limited.limitResponse.queuing', 'must not be empty if limited.limitResponse.type is Limited');
  }
  const lend = limited.lendablePercent;
  if (lend !== undefined && (lend < 0 || lend > 100)) p.invalid('spec.limited.lendablePercent', lend, inRange(0, 100));
  const borrow = limited.borrowingLimitPercent;
  if (borrow !== undefined && borrow < 0) {
    p.invalid('spec.limited.borrowingLimitPercent', borrow, 'if specified, must be a non-negative integer');
  }
}

export const isIpName = (name: string): string[] =>
  isIP(name) === 0 ? ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'] : [];
