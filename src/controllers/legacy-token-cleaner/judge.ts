import type { Secret, ServiceAccount } from '../../api/gen/core-v1.ts';

export const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
export const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';

const dayMs = 24 * 3600 * 1000;

export const dayOf = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10);

const isDay = (text: string | undefined): text is string =>
  text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));

/** Whether uses have been noted for long enough that silence means something; `since` is a day. */
export function trackedLongEnough(since: string | undefined, now: number, unusedMs: number): boolean {
  return isDay(since) && now >= Date.parse(since) + dayMs + unusedMs;
}

/**
 * What becomes of a token Secret that came with its account: unused for long, it is marked as invalid; marked for as
 * long, it goes. Secrets that somebody made on purpose, or that a pod mounts, stay.
 * Upstream: `pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go`.
 */
export function judge(options: {
  secret: Secret;
  account: ServiceAccount | undefined;
  /** Whether a pod of the namespace uses it. */
  mounted: () => boolean;
  now: number;
  unusedMs: number;
}): 'keep' | 'mark' | 'delete' {
  const { secret, account, now, unusedMs } = options;
  const { metadata } = secret;
  const from = now - unusedMs;
  if (metadata.deletionTimestamp !== undefined || Date.parse(metadata.creationTimestamp ?? '') >= from) return 'keep';
  const lastUsed = metadata.labels?.[lastUsedLabel];
  if (lastUsed !== undefined && (!isDay(lastUsed) || lastUsed >= dayOf(from))) return 'keep';
  if (!account?.secrets?.some((reference) => reference.name === metadata.name) || options.mounted()) return 'keep';
  const invalidSince = metadata.labels?.[invalidSinceLabel];
  if (!isDay(invalidSince)) return 'mark';
  return invalidSince >= dayOf(from) ? 'keep' : 'delete';
}
