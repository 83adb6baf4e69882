import type { StatusCause } from '../../../api/gen/meta-v1.ts';
import type { PodSecuritySettings } from './settings.ts';

export type Level = 'privileged' | 'baseline' | 'restricted';

/** A level as a version of the standards knows it: the minor number of that version, Infinity for the latest. */
export interface LevelVersion {
  readonly level: Level;
  readonly minor: number;
}

export type Mode = 'enforce' | 'audit' | 'warn';
export type Policy = Readonly<Record<Mode, LevelVersion>>;

export const modes = ['enforce', 'audit', 'warn'] as const;
export const prefix = 'pod-security.kubernetes.io/';

const levels: readonly Level[] = ['privileged', 'baseline', 'restricted'];

export const isLevel = (text: string): text is Level => (levels as readonly string[]).includes(text);

/** Whether the first is the stricter one. */
export const isStricter = (a: Level, b: Level): boolean => levels.indexOf(a) > levels.indexOf(b);

/** The minor number in `v1.x`, Infinity for `latest`; undefined: it is neither. */
export function minorOf(text: string): number | undefined {
  if (text === 'latest') return Number.POSITIVE_INFINITY;
  const match = /^v1\.(0|[1-9]\d*)$/.exec(text);
  return match ? Number(match[1]) : undefined;
}

export const shownVersion = ({ minor }: LevelVersion): string =>
  minor === Number.POSITIVE_INFINITY ? 'latest' : `v1.${minor}`;
export const shown = (policy: LevelVersion): string => `${policy.level}:${shownVersion(policy)}`;

export const sameLevel = (a: LevelVersion, b: LevelVersion): boolean => a.level === b.level && a.minor === b.minor;

export const isPrivileged = (policy: Policy): boolean => modes.every((mode) => policy[mode].level === 'privileged');

/** Without any difference to what they do. */
export const equivalent = (a: Policy, b: Policy): boolean =>
  modes.every(
    (mode) => sameLevel(a[mode], b[mode]) || (a[mode].level === 'privileged' && b[mode].level === 'privileged'),
  );

/** What holds where a namespace says nothing. */
export function defaultPolicy(settings: PodSecuritySettings | undefined): Policy {
  const of = (mode: Mode): LevelVersion => ({
    level: settings?.defaults[mode] ?? 'privileged',
    minor: minorOf(settings?.versions[mode] ?? 'latest') ?? Number.POSITIVE_INFINITY,
  });
  return { enforce: of('enforce'), audit: of('audit'), warn: of('warn') };
}

type Labels = Readonly<Record<string, string>>;

/**
 * What a namespace's labels ask for, with what is wrong with them. Of a level that cannot be read `enforce` takes the
 * strictest and the others none; of a version that cannot be read, the latest.
 */
export function policyOf(labels: Labels = {}, defaults: Policy): { policy: Policy; problems: StatusCause[] } {
  const problems: StatusCause[] = [];
  const wrong = (label: string, value: string, why: string): void =>
    void problems.push({
      reason: 'FieldValueInvalid',
      field: `metadata.labels[${label}]`,
      message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
    });
  const read = (mode: Mode): LevelVersion => {
    const { level, minor } = defaults[mode];
    const result = { level, minor };
    const levelText = labels[`${prefix}${mode}`];
    if (levelText !== undefined) {
      if (!isLevel(levelText)) wrong(`${prefix}${mode}`, levelText, `must be one of ${levels.join(', ')}`);
      result.level = isLevel(levelText) ? levelText : mode === 'enforce' ? 'restricted' : 'privileged';
    }
    const versionText = labels[`${prefix}${mode}-version`];
    if (versionText !== undefined) {
      const found = minorOf(versionText);
      if (found === undefined) wrong(`${prefix}${mode}-version`, versionText, 'must be "latest" or "v1.x"');
      result.minor = found ?? Number.POSITIVE_INFINITY;
    }
    return result;
  };
  const enforce = read('enforce');
  const audit = read('audit');
  let warn = read('warn');
  // What is enforced is warned about at the objects that make pods, unless the labels say what is.
  const enforced = labels[`${prefix}enforce`];
  if (
    labels[`${prefix}warn`] === undefined &&
    enforced !== undefined &&
    isLevel(enforced) &&
    isStricter(enforced, warn.level)
  )
    warn = { level: enforced, minor: labels[`${prefix}warn-version`] === undefined ? enforce.minor : warn.minor };
  return { policy: { enforce, audit, warn }, problems };
}
