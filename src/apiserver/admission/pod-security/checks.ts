import type { Container, PodSpec } from '../../../api/gen/core-v1.ts';
import { baseline } from './baseline.ts';
import type { Check, VersionedCheck, Violation } from './check.ts';
import type { LevelVersion } from './policy.ts';
import { restricted } from './restricted.ts';

const checkAt = ({ versions }: VersionedCheck, minor: number): Check | undefined =>
  versions.findLast(({ since }) => since <= minor)?.check;

function chosen({ level, minor }: LevelVersion): Check[] {
  if (level === 'privileged') return [];
  const strict = level === 'restricted' ? restricted.filter((check) => checkAt(check, minor)) : [];
  const replaced = new Set(strict.map(({ instead }) => instead));
  return [...baseline.filter(({ id }) => !replaced.has(id)), ...strict]
    .map((check) => checkAt(check, minor))
    .filter((check) => check !== undefined);
}

const known = new Map<string, readonly Check[]>();

function checksOf(wanted: LevelVersion): readonly Check[] {
  const key = `${wanted.level} ${wanted.minor}`;
  let found = known.get(key);
  if (!found) {
    found = chosen(wanted);
    if (known.size < 200) known.set(key, found);
  }
  return found;
}

/** What a pod does that its level forbids, in upstream's order. */
export function violations(
  level: LevelVersion,
  spec: PodSpec,
  annotations: Readonly<Record<string, string>> = {},
): Violation[] {
  const checks = checksOf(level);
  if (checks.length === 0) return [];
  const containers = [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...((spec.ephemeralContainers ?? []) as Container[]),
  ];
  const subject = { spec, annotations, containers };
  return checks.map((check) => check(subject)).filter((violation) => violation !== undefined);
}

export const inDetail = (found: readonly Violation[]): string =>
  found.map(({ reason, detail }) => `${reason} (${detail})`).join(', ');

export const inShort = (found: readonly Violation[]): string => found.map(({ reason }) => reason).join(', ');
