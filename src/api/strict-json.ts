import { mayHoldLong } from '../base/exact-json.ts';
import { countKeys, pathText } from './canonical.ts';
import { namedType, type TypeSchema } from './schema.ts';

export interface TextScan {
  /** Object keys, duplicates counted each time. */
  readonly keys: number;
  /** Whether a number has a decimal point or an exponent. */
  readonly fractions: boolean;
}

/**
 * What a JSON text holds that parsing hides. The text is known to be valid JSON: a string followed by a colon is a key.
 * Much faster than a parse: it jumps from quote to quote, and looks only at what stands between strings.
 */
export function scanText(text: string): TextScan {
  let keys = 0;
  let fractions = false;
  let open = text.indexOf('"');
  while (open >= 0) {
    const close = closingQuote(text, open);
    let after = close + 1;
    let c = text.charCodeAt(after);
    while (c === 32 || c === 10 || c === 13 || c === 9) c = text.charCodeAt(++after);
    if (c === 58) keys++;
    open = text.indexOf('"', after);
    fractions ||= hasFraction(text, after, open < 0 ? text.length : open);
  }
  return { keys, fractions };
}

function hasFraction(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const c = text.charCodeAt(at);
    // A point, or an `e` after a digit: there is one in `true` and `false`, too.
    if (c === 46 || ((c === 69 || c === 101) && text.charCodeAt(at - 1) < 58)) return true;
  }
  return false;
}

/**
 * A JSON text as a value in which each number that parsing may alter is a symbol that is described by the number as it
 * stands in the text: `1.0`, `1e3`, and what is too large for a double to tell from its neighbours.
 */
export function parseAsGiven(text: string): unknown {
  const given = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' && String(value) !== context?.source ? Symbol(context?.source) : value;
  return JSON.parse(text, given);
}

/** Whether parsing may alter a number of a JSON text. */
export const isAltered = (text: string): boolean => mayHoldLong(text) || scanText(text).fractions;

/** What `parseAsGiven` gave as JSON. */
export const textAsGiven = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'symbol' ? JSON.rawJSON(inner.description ?? '') : inner,
  );

function closingQuote(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  for (;;) {
    let before = close - 1;
    while (text.charCodeAt(before) === 92) before--;
    if ((close - before) % 2 === 1) return close;
    close = text.indexOf('"', close + 1);
  }
}

/**
 * `unknown field "…"` and `duplicate field "…"` of a JSON text in the order of the text, each once: the slow way, for
 * texts that have duplicates. `type` undefined: any keys are known.
 */
export function strictProblems(text: string, type: TypeSchema | undefined): string[] {
  const found = new Set<string>();
  const path: (string | number)[] = [];
  let at = 0;
  const space = (): void => {
    while (/\s/.test(text.charAt(at))) at++;
  };
  const string = (): string => {
    const end = closingQuote(text, at) + 1;
    const value = JSON.parse(text.slice(at, end)) as string;
    at = end;
    return value;
  };
  const add = (problem: string): void => {
    if (found.size < 100) found.add(problem);
  };

  const object = (t: TypeSchema | undefined, quiet: boolean): void => {
    const seen = new Set<string>();
    at++;
    for (space(); text.charAt(at) !== '}'; space()) {
      if (text.charAt(at) === ',') {
        at++;
        space();
      }
      const key = string();
      space();
      at++;
      const inner = t ? keyType(t, key) : undefined;
      const unknown = t !== undefined && inner === undefined;
      if (!quiet) {
        if (unknown) add(`unknown field ${JSON.stringify(pathText(path, key))}`);
        else if (seen.has(key)) add(`duplicate field ${JSON.stringify(pathText(path, key))}`);
      }
      seen.add(key);
      path.push(key);
      value(inner === 'any' ? undefined : inner, quiet || unknown);
      path.pop();
    }
    at++;
  };

  const array = (t: TypeSchema | undefined, quiet: boolean): void => {
    at++;
    let index = 0;
    for (space(); text.charAt(at) !== ']'; space()) {
      if (text.charAt(at) === ',') at++;
      path.push(index++);
      value(t?.shape === 'list' ? t.items : t, quiet);
      path.pop();
    }
    at++;
  };

  const value = (t: TypeSchema | undefined, quiet: boolean): void => {
    space();
    const c = text.charAt(at);
    if (c === '{') object(t, quiet);
    else if (c === '[') array(t, quiet);
    else if (c === '"') string();
    else while (at < text.length && !/[\s,\]}]/.test(text.charAt(at))) at++;
  };

  value(type, false);
  return [...found];
}

/** `duplicate field "…"` of a JSON text that was parsed as `value`: looked for where it has more keys than the value. */
export const duplicateFields = (text: string, value: unknown): string[] =>
  scanText(text).keys === countKeys(value)
    ? []
    : strictProblems(text, undefined).filter((problem) => problem.startsWith('duplicate'));

const jsonSchemaProps = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

function keyType(type: TypeSchema, key: string): TypeSchema | 'any' | undefined {
  if (type.shape === 'struct') return type.fields.get(key)?.type;
  if (type.shape === 'json-schema') return namedType(jsonSchemaProps).fields.get(key)?.type;
  return type.shape === 'map' ? type.items : 'any';
}
