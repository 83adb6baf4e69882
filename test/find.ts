import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';

const clone = resolve(import.meta.dirname, '..');

/** Files of the clone that match, sorted, absolute. */
export const find = (...patterns: string[]): string[] =>
  patterns
    .flatMap((pattern) => globSync(pattern, { cwd: clone }))
    .sort()
    .map((path) => join(clone, path));
