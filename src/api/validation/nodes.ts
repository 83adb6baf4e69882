import { parseCidr } from '../../base/cidr.ts';
import type { Node, Taint } from '../gen/core-v1.ts';
import { isLabelValue } from '../names.ts';
import { validateCidr } from './addresses.ts';
import { validateAnnotatedList } from './annotated-list.ts';
import { validateLabelName } from './metadata.ts';
import type { Problems } from './problems.ts';
import { validateResourceQuantity } from './resources.ts';
import { validateTaintEffect } from './scheduling.ts';

/** Nodes. Upstream: `pkg/apis/core/validation`. */

function validateTaints(p: Problems, path: string, taints: readonly Taint[]): void {
  const seen = new Set<string>();
  for (const [i, taint] of taints.entries()) {
    const at = `${path}[${i}]`;
    validateLabelName(p, `${at}.key`, taint.key ?? '');
    const wrong = isLabelValue(taint.value ?? '');
    if (wrong.length > 0) p.invalid(`${at}.value`, taint.value, wrong.join(';'));
    if (!taint.effect) p.required(`${at}.effect`);
    else validateTaintEffect(p, `${at}.effect`, taint.effect);
    const key = `${taint.key}:${taint.effect}`;
    if (seen.has(key)) {
      const { key: name = '', value = '', effect = '', timeAdded = null } = taint;
      p.duplicate(at, { Key: name, Value: value, Effect: effect, TimeAdded: timeAdded });
      const cause = p.causes.at(-1);
      if (cause) cause.message += ': taints must be unique by key and effect pair';
    }
    seen.add(key);
  }
}

interface AvoidedPods {
  podSignature?: { podController?: { controller?: boolean } };
}

const avoided = 'scheduler.alpha.kubernetes.io/preferAvoidPods';
const tainted = 'scheduler.alpha.kubernetes.io/taints';

/** What was said of nodes by annotations before there were fields for it. */
function validateAnnotated(p: Problems, { metadata }: Node): void {
  const at = 'metadata.annotations';
  validateAnnotatedList<Taint>(p, metadata, {
    key: tainted,
    path: at,
    type: 'Taint',
    check: (taints) => validateTaints(p, `${at}.${tainted}`, taints),
  });
  validateAnnotatedList<AvoidedPods>(p, metadata, {
    key: avoided,
    path: `${at}.AvoidPods`,
    within: (whole) => (whole as { preferAvoidPods?: AvoidedPods[] } | null)?.preferAvoidPods,
    check: (entries) => validateAvoided(p, `${at}.${avoided}`, entries),
  });
}

function validateAvoided(p: Problems, path: string, entries: readonly AvoidedPods[]): void {
  for (const [i, { podSignature }] of entries.entries()) {
    const signature = `${path}[${i}].PodSignature`;
    const of = podSignature?.podController;
    if (!of) p.required(signature);
    else if (!of.controller) p.invalid(`${signature}.PodController.Controller`, false, 'must point to a controller');
  }
}

function validateAmounts(p: Problems, { status }: Node): void {
  for (const field of ['capacity', 'allocatable'] as const) {
    for (const [name, value] of Object.entries(status?.[field] ?? {})) {
      validateResourceQuantity(p, `status.${field}.${name}`, name, value);
    }
  }
}

const featureName = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/;
const featureGrammar =
  "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";

function validateFeatures(p: Problems, { status }: Node): void {
  const features = status?.declaredFeatures ?? [];
  for (const [i, name] of features.entries()) {
    const at = (index: number): string => `status.declaredFeatures[${index}]`;
    const tooLong = name.length > 253 ? 'must be no more than 253 characters' : undefined;
    const wrong = tooLong ?? (featureName.test(name) ? undefined : featureGrammar);
    if (wrong) p.invalid(at(i), name, `invalid feature name ${JSON.stringify(name)}: ${wrong}`);
    const next = features[i + 1];
    if (next === name) p.duplicate(at(i + 1), next);
    else if (next !== undefined && name > next) p.invalid(at(i + 1), next, 'list must be sorted alphabetically');
  }
}

function validateRanges(p: Problems, ranges: readonly string[]): void {
  const at = 'spec.podCIDRs';
  for (const [i, range] of ranges.entries()) validateCidr(p, `${at}[${i}]`, range);
  if (ranges.length < 2) return;
  const broken = ranges.findIndex((range) => !parseCidr(range));
  if (broken >= 0) {
    const why = `invalid CIDR[${broken}]: <nil> (invalid CIDR address: ${ranges[broken]})`;
    p.internal(at, `invalid PodCIDRs. failed to check with dual stack with error:${why}`);
  }
  const families = new Set(ranges.map((range) => parseCidr(range)?.family));
  if (broken >= 0 || ranges.length > 2 || families.size < 2) {
    p.invalid(at, ranges, 'may specify no more than one CIDR for each IP family');
  }
}

export function validateNode(p: Problems, node: Node): void {
  const { spec = {}, status = {} } = node;
  validateAnnotated(p, node);
  validateTaints(p, 'metadata.taints', spec.taints ?? []);
  validateAmounts(p, node);
  p.positive('metadata.nodeSwapStatus.capacity', status.nodeInfo?.swap?.capacity);
  validateFeatures(p, node);
  validateRanges(p, spec.podCIDRs ?? []);
}

/** Of the status alone, too. */
export function validateNodeChange(p: Problems, node: Node, old: Node): void {
  const { spec = {}, status = {} } = node;
  validateAnnotated(p, node);
  validateAmounts(p, node);
  validateFeatures(p, node);
  const addresses = new Set<string>();
  for (const [i, { type = '', address = '' }] of (status.addresses ?? []).entries()) {
    const shown = { Type: type, Address: address };
    if (addresses.has(JSON.stringify(shown))) p.duplicate(`status.addresses[${i}]`, shown);
    addresses.add(JSON.stringify(shown));
  }
  validateLasting(p, spec, old.spec ?? {});
  validateTaints(p, 'metadata.taints', spec.taints ?? []);
}

/** What a node has got once it keeps. */
function validateLasting(p: Problems, spec: NonNullable<Node['spec']>, was: NonNullable<Node['spec']>): void {
  const frozen = (name: string): string => `node updates may not change ${name} except from "" to valid`;
  const [ranges, had] = [spec.podCIDRs ?? [], was.podCIDRs ?? []];
  const changed = ranges.length === had.length ? had.filter((range, i) => range !== ranges[i]) : had.slice(0, 1);
  for (const _ of changed) p.forbidden('spec.podCIDRs', frozen('podCIDR'));
  if (was.providerID && was.providerID !== spec.providerID) p.forbidden('spec.providerID', frozen('providerID'));
  if ((spec.externalID ?? '') !== (was.externalID ?? '')) p.forbidden('spec.externalID', 'may not be updated');
}

/** Upstream looks at a changed node as at a new one, and then at what has changed. */
export function validateNodeUpdate(p: Problems, node: Node, old: Node): void {
  validateNode(p, node);
  validateNodeChange(p, node, old);
}
