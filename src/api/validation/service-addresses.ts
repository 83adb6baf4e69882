import { isIP } from 'node:net';
import type { ServiceSpec } from '../gen/core-v1.ts';
import { validateIp } from './addresses.ts';
import { Problems } from './problems.ts';

/** The cluster addresses of Services and their families. Upstream: `pkg/apis/core/validation`. */

const families = ['IPv4', 'IPv6'];
const familyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

export const isHeadless = (spec: ServiceSpec): boolean =>
  spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None';

/** Addresses and their families: asked before any are given, and once more with the rest. */
export function validateClusterIps(p: Problems, spec: ServiceSpec, before: readonly string[] | undefined): void {
  const { clusterIP = '', clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  const at = 'spec.clusterIPs';
  if (clusterIP !== '') {
    if (clusterIPs.length === 0) p.required(at);
    else if (clusterIPs[0] !== clusterIP) p.invalid(at, clusterIPs, 'first value must match `clusterIP`');
  } else if (clusterIPs.length > 0) p.invalid(at, clusterIPs, 'must be empty when `clusterIP` is not specified');
  for (const [i, family] of ipFamilies.entries()) {
    if (!families.includes(family)) p.unsupported(`spec.ipFamilies[${i}]`, family, families);
    if (ipFamilies.indexOf(family) < i) p.duplicate(`spec.ipFamilies[${i}]`, family);
  }
  if (ipFamilyPolicy !== undefined && !familyPolicies.includes(ipFamilyPolicy)) {
    p.unsupported('spec.ipFamilyPolicy', ipFamilyPolicy, familyPolicies);
  }
  let bad = false;
  for (const [i, address] of clusterIPs.entries()) {
    if (i === 0 && address === 'None') {
      if (clusterIPs.length > 1) {
        bad = true;
        p.invalid(at, clusterIPs, "'None' must be the first and only value");
      }
      continue;
    }
    const own = new Problems();
    validateIp(own, `${at}[${i}]`, address, before);
    bad ||= own.causes.length > 0;
    p.causes.push(...own.causes);
  }
  if (clusterIPs.length > 2) p.invalid(at, clusterIPs, 'may only hold up to 2 values');
  if (bad) return;
  if (clusterIPs.length > 1 && new Set(clusterIPs.map(isIP)).size < 2) {
    p.invalid(at, clusterIPs, 'may specify no more than one IP for each IP family');
  }
  if (isHeadless(spec)) return;
  for (const [i, address] of clusterIPs.entries()) {
    const family = ipFamilies[i];
    const other = isIP(address) === 4 ? 'IPv6' : 'IPv4';
    if (family === other) {
      p.invalid(`${at}[${i}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``);
    }
  }
}

/** The first of them stays; a second may come, and goes where that is what is asked for. */
function validateKept(p: Problems, spec: ServiceSpec, old: ServiceSpec, field: 'clusterIPs' | 'ipFamilies'): void {
  const [now, was] = [spec[field] ?? [], old[field] ?? []];
  const at = `spec.${field}`;
  const changed = 'may not change once set';
  if (now.length === was.length) {
    for (const [i, one] of was.entries()) {
      if (one !== now[i]) p.invalid(`${at}[${field === 'clusterIPs' ? i : 0}]`, now, changed);
    }
    return;
  }
  const released = was.length > now.length;
  const singular = field === 'clusterIPs' ? 'clusterIP' : 'ipFamily';
  if (released && !spec.clusterIPs?.length) {
    p.invalid(`${at}[0]`, spec[field] ?? null, `primary ${singular} can not be unset`);
  }
  if (was.length > 0 && now.length > 0 && now[0] !== was[0]) p.invalid(`${at}[0]`, spec.clusterIPs ?? null, changed);
  if (released && now.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    const why = `must be set to 'SingleStack' when releasing the secondary ${singular}`;
    p.invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy ?? null, why);
  }
}

export function validateAddressUpdate(p: Problems, spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return;
  const headless = [isHeadless(spec), isHeadless(old)];
  if (headless.includes(false)) validateKept(p, spec, old, 'clusterIPs');
  if (!headless.includes(true)) validateKept(p, spec, old, 'ipFamilies');
}
