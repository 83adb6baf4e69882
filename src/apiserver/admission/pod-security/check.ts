import type { Container, PodSpec, SecurityContext } from '../../../api/gen/core-v1.ts';

/** A pod, or what others make pods of. */
export interface Subject {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
  /** All of them: of the start, the ordinary ones, those that came later. */
  readonly containers: readonly Container[];
}

/** What a pod does that it must not. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export type Check = (subject: Subject) => Violation | undefined;

/** A check as the versions of the standards had it: from which minor version on, newest last. */
export interface VersionedCheck {
  /** Upstream's name, by which checks are sorted. */
  readonly id: string;
  readonly versions: readonly { readonly since: number; readonly check: Check }[];
  /** The check of the level below in whose place this one stands. */
  readonly instead?: string;
}

export const contextOf = (container: Container): SecurityContext => container.securityContext ?? {};

/** As in the user's order; each once. */
export const sortedSet = (items: readonly string[]): string[] => [...new Set(items)].sort();

export const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');
export const plural = (word: string, names: readonly unknown[]): string => (names.length === 1 ? word : `${word}s`);
export const named = (word: string, names: readonly string[]): string => `${plural(word, names)} ${quoted(names)}`;

export const namesWhere = (containers: readonly Container[], test: (c: Container) => boolean): string[] =>
  containers.filter(test).map((c) => c.name);

/** Who of the pod and its containers sets something bad, as messages begin. */
export function setters(podBad: boolean, names: readonly string[]): string {
  return [...(podBad ? ['pod'] : []), ...(names.length > 0 ? [named('container', names)] : [])].join(' and ');
}

/** The same at every version from `since` on. */
export const since = (minor: number, id: string, check: Check): VersionedCheck => ({
  id,
  versions: [{ since: minor, check }],
});

export const exceptWindows =
  (check: Check): Check =>
  (subject) =>
    subject.spec.os?.name === 'windows' ? undefined : check(subject);

/** A pod in a user namespace of its own is root there alone. */
export const exceptUserNamespaces =
  (check: Check): Check =>
  (subject) =>
    subject.spec.hostUsers === false ? undefined : check(subject);
