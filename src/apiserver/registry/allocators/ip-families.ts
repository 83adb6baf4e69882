import type { StatusCause } from '../../../api/gen/meta-v1.ts';
import { Problems } from '../../../api/validation/problems.ts';
import { validateClusterIps } from '../../../api/validation/service-addresses.ts';
import { ipFamily } from '../../../base/cidr.ts';
import { invalidValue } from './refusal.ts';
import { hasSelector, needsClusterIp, type Spec, sameClusterIps, sameFamilies } from './service-shape.ts';

const familyOf = (address: string): string => (ipFamily(address) === 6 ? 'IPv6' : 'IPv4');
const otherFamily = (family: string | undefined): string => (family === 'IPv4' ? 'IPv6' : 'IPv4');
const reduced = (before: readonly unknown[] | undefined, now: readonly unknown[] | undefined): boolean =>
  (before?.length ?? 0) === 2 && (now?.length ?? 0) === 1 && before?.[0] === now?.[0];

/**
 * Fills in `ipFamilyPolicy` and `ipFamilies` by what the client asks for and the cluster has (`families`, the default
 * one first); gives what cannot be. After upstream's `registry/core/service/storage/alloc.go`.
 */
export function initFamilies(spec: Spec, old: Readonly<Spec> | undefined, families: readonly string[]): StatusCause[] {
  if (!needsClusterIp(spec)) return [];
  if (old && unchangedDualStack(spec, old)) return [];
  const headlessWithoutSelector = spec.clusterIP === 'None' && !hasSelector(spec);
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (headlessWithoutSelector ? 'RequireDualStack' : 'SingleStack');
  const policy = spec.ipFamilyPolicy;
  const wrong = new Problems();
  validateClusterIps(wrong, spec, old?.clusterIPs);
  if (wrong.causes.length > 0) return wrong.causes;
  const causes = old ? released(spec, old) : [];
  if (policy === 'SingleStack') causes.push(...tooMany(spec));
  causes.push(...inferFromAddresses(spec, families));
  if (causes.length > 0) return causes;
  if (headlessWithoutSelector) {
    spec.ipFamilies = spec.ipFamilies?.length ? spec.ipFamilies : [families[0] ?? 'IPv4'];
    if (policy !== 'SingleStack' && spec.ipFamilies.length < 2) spec.ipFamilies.push(otherFamily(spec.ipFamilies[0]));
    return [];
  }
  if (policy === 'RequireDualStack' && families.length < 2) {
    causes.push(invalidValue('spec.ipFamilyPolicy', policy, 'this cluster is not configured for dual-stack services'));
  }
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (!families.includes(family))
      causes.push(invalidValue(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  }
  if (causes.length > 0) return causes;
  if (!spec.ipFamilies?.length) spec.ipFamilies = [families[0] ?? 'IPv4'];
  if (policy !== 'SingleStack' && spec.ipFamilies.length === 1 && families.length === 2) {
    spec.ipFamilies.push(otherFamily(spec.ipFamilies[0]));
  }
  return [];
}

function unchangedDualStack(spec: Readonly<Spec>, old: Readonly<Spec>): boolean {
  return (
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    (old.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
    old.type === spec.type &&
    sameClusterIps(old, spec) &&
    sameFamilies(old, spec)
  );
}

/** SingleStack lets the second address go; nothing else may. */
function released(spec: Spec, old: Readonly<Spec>): StatusCause[] {
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (sameClusterIps(old, spec) && (spec.clusterIPs?.length ?? 0) > 1) spec.clusterIPs = spec.clusterIPs?.slice(0, 1);
    if (sameFamilies(old, spec) && (spec.ipFamilies?.length ?? 0) > 1) spec.ipFamilies = spec.ipFamilies?.slice(0, 1);
    return [];
  }
  const causes: StatusCause[] = [];
  const refuse = (what: string): void =>
    void causes.push(
      invalidValue(
        'spec.ipFamilyPolicy',
        spec.ipFamilyPolicy,
        `must be 'SingleStack' to release the secondary ${what}`,
      ),
    );
  if (reduced(old.clusterIPs, spec.clusterIPs)) refuse('cluster IP');
  if (reduced(old.ipFamilies, spec.ipFamilies)) refuse('IP family');
  return causes;
}

function tooMany(spec: Readonly<Spec>): StatusCause[] {
  const causes: StatusCause[] = [];
  const refuse = (what: string): void =>
    void causes.push(
      invalidValue(
        'spec.ipFamilyPolicy',
        spec.ipFamilyPolicy,
        `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
      ),
    );
  if (spec.clusterIPs?.length === 2) refuse('cluster IPs');
  if (spec.ipFamilies?.length === 2) refuse('IP families');
  return causes;
}

function inferFromAddresses(spec: Spec, families: readonly string[]): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const [i, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === 'None') break;
    if (i < (spec.ipFamilies?.length ?? 0)) continue;
    const family = familyOf(address);
    if (families.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else
      causes.push(
        invalidValue(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`),
      );
  }
  return causes;
}
