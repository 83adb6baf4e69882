import { wasEmpty } from '../canonical.ts';
import { sameValue } from '../equal.ts';
import type { APIService } from '../gen/apiregistration-v1.ts';
import type { CertificateSigningRequest } from '../gen/certificates-v1.ts';
import type { IPAddress, ParentReference, ServiceCIDR } from '../gen/networking-v1.ts';
import { inRange, isDns1035Label, isDns1123Label, isDns1123Subdomain, isPathSegment } from '../names.ts';
import { familyOfCidr, strictIpProblem, validateStrictCidr } from './addresses.ts';
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

export function validateApiServiceStatus(p: Problems, { status }: APIService): void {
  for (const [i, condition] of (status?.conditions ?? []).entries()) {
    const at = `status.conditions[${i}].status`;
    p.known(at, condition.status ?? '', ['True', 'False', 'Unknown']);
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
  }
  for (const [i, usage] of given.entries()) if (given.indexOf(usage) < i) p.duplicate(`spec.usages[${i}]`, usage);
  if (spec.signerName === 'kubernetes.io/legacy-unknown') {
    p.invalid('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version');
  } else validateSigner(p, 'spec.signerName', spec.signerName ?? '');
  const seconds = spec.expirationSeconds;
  if (seconds !== undefined && seconds < 600) {
    p.invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)');
  }
}

const longestDomain = 253;
const longestSigner = longestDomain + 1 + (longestDomain + 1 + 63);

/** Who signs: a domain, and a name within it. */
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
  // What is wrong is said of the first wrong label alone.
  const labelled = (whole: string, grammar: NameRule): void => {
    const label = whole.split('.').find((l) => grammar(l).length > 0);
    if (label === undefined) return;
    for (const why of grammar(label)) p.invalid(path, whole, `validating label ${JSON.stringify(label)}: ${why}`);
  };
  if (domain.length > longestDomain) p.tooLong(path, longestDomain);
  labelled(domain, isDns1123Label);
  if (!domain.includes('.')) p.invalid(path, domain, 'should be a domain with at least two segments separated by dots');
  labelled(rest, isDns1123Subdomain);
  if (name.length > longestSigner) p.tooLong(path, longestSigner);
}

export function validateIpAddress(p: Problems, { spec }: IPAddress, old?: IPAddress): void {
  const ref = spec?.parentRef;
  if (ref) validateParent(p, ref);
  else p.required('spec.parentRef');
  if (old) p.immutable('spec.parentRef', ref, sameValue(ref, old.spec?.parentRef));
}

function validateParent(p: Problems, ref: ParentReference): void {
  if (ref.group) p.all('spec.parentRef.group', ref.group, isDns1123Subdomain(ref.group));
  for (const field of ['resource', 'name', 'namespace'] as const) {
    const value = ref[field];
    if (value) p.all(`spec.parentRef.${field}`, value, isPathSegment(value));
    else if (field !== 'namespace') p.required(`spec.parentRef.${field}`);
  }
}

const oneEach = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';

function validateCidrs(p: Problems, cidrs: readonly string[]): void {
  const at = 'spec.cidrs';
  if (cidrs.length === 0) p.required(at, 'at least one CIDR required');
  else if (cidrs.length > 2) p.invalid(at, { CIDRs: cidrs }, 'may only hold up to 2 values');
  else {
    for (const [i, cidr] of cidrs.entries()) validateStrictCidr(p, `${at}[${i}]`, cidr);
    const [one, other] = cidrs.map(familyOfCidr);
    if (cidrs.length === 2 && one && one === other) p.invalid(at, cidrs, oneEach);
  }
}

/** A range stays as it is; one of the other family may be added. */
export function validateServiceCidr(p: Problems, { spec }: ServiceCIDR, old?: ServiceCIDR): void {
  const cidrs = spec?.cidrs ?? [];
  const before = old?.spec?.cidrs ?? [];
  const isWidened = before.length === 1 && cidrs.length === 2;
  if (!old) validateCidrs(p, cidrs);
  else if (cidrs.length === before.length || isWidened) {
    for (const [i, cidr] of before.entries()) {
      if (cidr !== cidrs[i]) p.invalid(`spec.cidrs[${i}]`, cidrs[i], 'field is immutable');
    }
    if (isWidened) validateCidrs(p, cidrs);
  } else p.invalid('spec.cidrs', spec?.cidrs ?? (wasEmpty(spec, 'cidrs') ? [] : null), 'field is immutable');
}

export const isIpName = (name: string): string[] => {
  const why = strictIpProblem(name);
  return why ? [why] : [];
};
