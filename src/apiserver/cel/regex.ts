import { setFlagsFromString } from 'node:v8';
import { translate } from './pattern.ts';

let bounded = false;

/**
 * From here on an expression that backtracks too often is finished by V8's linear-time engine: no pattern that a client
 * gives can hold the process. The engine does not know the `u` flag, so `u` is only for patterns that need it.
 */
export function boundRegExps(): void {
  if (bounded) return;
  bounded = true;
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  setFlagsFromString('--regexp-backtracks-before-fallback=20000');
}

const compiled = new Map<string, RegExp>();

/** A pattern of Go's (RE2) as JavaScript has it. Throws in Go's words for what is none. */
export function goPattern(pattern: string, flags = ''): RegExp {
  const key = `${flags}/${pattern}`;
  let found = compiled.get(key);
  if (!found) {
    boundRegExps();
    const { source, flags: needed } = translate(pattern);
    found = new RegExp(source, `${flags}${needed}`);
    if (compiled.size > 2000) compiled.clear();
    compiled.set(key, found);
  }
  return found;
}
