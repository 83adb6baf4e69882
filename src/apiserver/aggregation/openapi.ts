import { isDeepStrictEqual } from 'node:util';
import type { SwaggerDocument } from '../openapi/v2.ts';

/** The entries of an aggregated server's `/openapi/v3` that are about one of its groups. */
export function pathsOfGroup(index: unknown, group: string): Record<string, { serverRelativeURL: string }> {
  const paths = (index as { paths?: Record<string, { serverRelativeURL: string }> } | null)?.paths ?? {};
  return Object.fromEntries(
    Object.entries(paths).filter(([path]) => path === `apis/${group}` || path.startsWith(`apis/${group}/`)),
  );
}

const prefix = '#/definitions/';

/** `value` with every reference to a definition sent through `rename`. */
function withReferences(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === '$ref' && typeof item === 'string' && item.startsWith(prefix)
        ? prefix + rename(item.slice(prefix.length))
        : withReferences(item, rename),
    ]),
  );
}

/**
 * Adds to `document` what `other` says of `group`, and the definitions that this needs. One of the same name and other
 * content is kept beside ours as `NAME_v2`, as upstream merges.
 */
export function addGroup(document: SwaggerDocument, other: Partial<SwaggerDocument>, group: string): void {
  const theirs = other.definitions ?? {};
  const names = new Map<string, string>();
  const nameFor = (name: string): string => {
    const known = names.get(name);
    if (known !== undefined) return known;
    let chosen = name;
    for (let n = 2; document.definitions[chosen] !== undefined; n++) {
      if (isDeepStrictEqual(document.definitions[chosen], theirs[name])) break;
      chosen = `${name}_v${n}`;
    }
    names.set(name, chosen);
    if (theirs[name] !== undefined && document.definitions[chosen] === undefined) {
      document.definitions[chosen] = theirs[name];
      document.definitions[chosen] = withReferences(theirs[name], nameFor) as object;
    }
    return chosen;
  };
  for (const [path, operations] of Object.entries(other.paths ?? {})) {
    if (!path.startsWith(`/apis/${group}/`) || document.paths[path] !== undefined) continue;
    document.paths[path] = withReferences(operations, nameFor) as Record<string, unknown>;
  }
}
