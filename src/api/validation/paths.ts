import type { Problems } from './problems.ts';

export function validateNoBacksteps(p: Problems, path: string, target: string): void {
  if (target.split('/').includes('..')) p.invalid(path, target, "must not contain '..'");
}

export function validateDescendingPath(p: Problems, path: string, target: string): void {
  if (target.startsWith('/')) p.invalid(path, target, 'must be a relative path');
  validateNoBacksteps(p, path, target);
}

export function validateLocalPath(p: Problems, path: string, target: string): void {
  validateDescendingPath(p, path, target);
  if (target.startsWith('..') && !target.startsWith('../')) p.invalid(path, target, "must not start with '..'");
}

export function validateFileMode(p: Problems, path: string, mode: number | undefined): void {
  if (mode !== undefined && (mode > 0o777 || mode < 0)) {
    p.invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive');
  }
}
