import { isObject } from './structural.ts';

/** A path like `.spec.replicas`: names and dots only, as scale paths are. */
export interface SimplePath {
  get(object: unknown): unknown;
  /** Makes the objects on the way where they are missing. */
  set(object: object, value: unknown): void;
}

export function simplePath(text: string): SimplePath {
  const names = text.replace(/^\./, '').split('.');
  return {
    get(object) {
      let current = object;
      for (const name of names) {
        if (!isObject(current)) return undefined;
        current = current[name];
      }
      return current;
    },
    set(object, value) {
      let current = object as Record<string, unknown>;
      for (const name of names.slice(0, -1)) {
        if (!isObject(current[name])) current[name] = {};
        current = current[name] as Record<string, unknown>;
      }
      current[names.at(-1) ?? ''] = value;
    },
  };
}
