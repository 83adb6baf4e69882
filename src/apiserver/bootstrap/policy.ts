import type { PolicyRule, Subject } from '../../api/gen/rbac-v1.ts';
import { missingRights } from '../authz/rules.ts';
import type { Draft } from '../registry/types.ts';

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';

const protectedFromUpdate = (found: Draft): boolean => found.metadata.annotations?.[autoUpdate] === 'false';

function withMetadata(found: Draft, wanted: Draft): boolean {
  let changed = false;
  for (const part of ['labels', 'annotations'] as const) {
    for (const [key, value] of Object.entries(wanted.metadata[part] ?? {})) {
      if (found.metadata[part]?.[key] === value) continue;
      found.metadata[part] = { ...found.metadata[part], [key]: value };
      changed = true;
    }
  }
  return changed;
}

/** Adds the rules that a default role has lost, unless its `autoupdate` annotation says no. Nothing is taken away. */
export function reconcileRole(found: Draft, wanted: Draft): Draft | undefined {
  if (protectedFromUpdate(found)) return undefined;
  const rules = (found.rules ?? []) as PolicyRule[];
  const missing = wanted.aggregationRule ? [] : missingRights(rules, (wanted.rules ?? []) as PolicyRule[]);
  const changed = withMetadata(found, wanted);
  if (missing.length > 0) found.rules = [...rules, ...missing];
  return changed || missing.length > 0 ? found : undefined;
}

const sameSubject = (a: Subject, b: Subject): boolean =>
  a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '');

/** Adds the subjects that a default binding has lost, unless its `autoupdate` annotation says no. */
export function reconcileBinding(found: Draft, wanted: Draft): Draft | undefined {
  if (protectedFromUpdate(found)) return undefined;
  const subjects = (found.subjects ?? []) as Subject[];
  const missing = ((wanted.subjects ?? []) as Subject[]).filter((s) => !subjects.some((have) => sameSubject(have, s)));
  const changed = withMetadata(found, wanted);
  if (missing.length > 0) found.subjects = [...subjects, ...missing];
  return changed || missing.length > 0 ? found : undefined;
}
