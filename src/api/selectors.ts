import type { LabelSelector } from './gen/meta-v1.ts';
import { isLabelValue, isQualifiedName } from './names.ts';
import { badRequest } from './status.ts';

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted, without duplicates. */
  readonly values: readonly string[];
}

/** All of them must hold; none means everything. */
export type LabelRequirements = readonly LabelRequirement[];

export type Labels = Readonly<Record<string, string>> | undefined;

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

interface Token {
  kind: 'word' | 'symbol' | 'error' | 'end';
  text: string;
}

const symbols = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '(']);
const isSpecial = (c: string): boolean => '=!(),><'.includes(c);
const isSpace = (c: string): boolean => c === ' ' || c === '\t' || c === '\r' || c === '\n';

function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const c = text.charAt(at);
    if (isSpace(c)) {
      at++;
      continue;
    }
    const start = at;
    if (!isSpecial(c)) {
      while (at < text.length && !isSpecial(text.charAt(at)) && !isSpace(text.charAt(at))) at++;
      found.push({ kind: 'word', text: text.slice(start, at) });
      continue;
    }
    at += symbols.has(text.slice(at, at + 2)) ? 2 : 1;
    found.push({ kind: 'symbol', text: text.slice(start, at) });
  }
  found.push({ kind: 'end', text: '' });
  return found;
}

class SelectorSyntaxError extends Error {}

const binaryOperators: Readonly<Record<string, LabelOperator>> = {
  in: 'in',
  '=': '=',
  '==': '==',
  '>': 'gt',
  '<': 'lt',
  notin: 'notin',
  '!=': '!=',
};

/**
 * Text of a label selector, as in `labelSelector=a=b,c in (d,e),!f`. Throws ApiError BadRequest as upstream does.
 */
export function parseLabelSelector(text: string | undefined): LabelRequirements {
  if (text === undefined || text === '') return [];
  try {
    return parseRequirements(tokens(text)).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  } catch (error) {
    if (error instanceof SelectorSyntaxError) throw badRequest(error.message);
    throw error;
  }
}

const fail = (message: string): never => {
  throw new SelectorSyntaxError(message);
};

function parseRequirements(list: Token[]): LabelRequirement[] {
  const result: LabelRequirement[] = [];
  let at = 0;
  const peek = (): Token => list[at] ?? { kind: 'end', text: '' };
  const next = (): Token => {
    const token = peek();
    at++;
    return token;
  };
  const startsRequirement = (t: Token): boolean => t.kind === 'word' || t.text === '!';
  for (;;) {
    const first = peek();
    if (first.kind === 'end') return result;
    if (!startsRequirement(first)) fail(`found '${first.text}', expected: !, identifier, or 'end of string'`);
    result.push(parseRequirement(peek, next));
    const after = next();
    if (after.kind === 'end') return result;
    if (after.text !== ',') fail(`found '${after.text}', expected: ',' or 'end of string'`);
    if (!startsRequirement(peek())) fail(`found '${peek().text}', expected: identifier after ','`);
  }
}

function parseRequirement(peek: () => Token, next: () => Token): LabelRequirement {
  const refuse = (message: string): never => fail(`unable to parse requirement: ${message}`);
  const ends = (): boolean => peek().kind === 'end' || peek().text === ',';
  let token = next();
  const negated = token.text === '!';
  if (negated) token = next();
  if (token.kind !== 'word') refuse(`found '${token.text}', expected: identifier`);
  const key = token.text;
  const wrong = isQualifiedName(key);
  if (wrong.length > 0) refuse(`<nil>: Invalid value: ${JSON.stringify(key)}: ${wrong.join('; ')}`);
  if (negated) return { key, operator: '!', values: [] };
  if (ends()) return { key, operator: 'exists', values: [] };
  const sign = next();
  const operator = binaryOperators[sign.text];
  if (!operator) return refuse(`found '${sign.text}', expected: in, notin, =, ==, !=, gt, lt`);
  const values = operator === 'in' || operator === 'notin' ? parseValues(peek, next, refuse) : [];
  if (operator !== 'in' && operator !== 'notin') {
    if (ends()) values.push('');
    else {
      const value = next();
      if (value.kind !== 'word') refuse(`found '${value.text}', expected: identifier`);
      values.push(value.text);
    }
  }
  for (const [i, value] of values.entries()) {
    if ((operator === 'gt' || operator === 'lt') && !/^[-+]?\d+$/.test(value)) {
      refuse(
        `values[${i}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
    const bad = isLabelValue(value);
    if (bad.length > 0) refuse(`values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${bad.join('; ')}`);
  }
  return { key, operator, values: [...new Set(values)].sort() };
}

function parseValues(peek: () => Token, next: () => Token, refuse: (message: string) => never): string[] {
  const open = next();
  if (open.text !== '(') refuse(`found '${open.text}' expected: '('`);
  const values: string[] = [];
  if (peek().text === ')') {
    next();
    return [''];
  }
  const first = peek();
  if (first.kind !== 'word' && first.text !== ',') refuse(`found '${first.text}', expected: ',', ')' or identifier`);
  for (;;) {
    const token = next();
    if (token.kind === 'word') {
      values.push(token.text);
      const after = next();
      if (after.text === ')' && after.kind === 'symbol') return values;
      if (after.text !== ',') refuse(`found '${after.text}', expected: ',' or ')'`);
      if (peek().text === ')') {
        next();
        values.push('');
        return values;
      }
    } else if (token.text === ',') {
      values.push('');
      if (peek().text === ')') {
        next();
        values.push('');
        return values;
      }
    } else refuse(`found '${token.text}', expected: ',', or identifier`);
  }
}

const integer = /^[-+]?\d+$/;

function requirementHolds(r: LabelRequirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, r.key) ? labels[r.key] : undefined;
  switch (r.operator) {
    case '=':
    case '==':
    case 'in':
      return value !== undefined && r.values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !r.values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      if (value === undefined || !integer.test(value)) return false;
      const have = BigInt(value);
      const want = BigInt(r.values[0] ?? '0');
      return r.operator === 'gt' ? have > want : have < want;
    }
  }
}

export function matchesLabels(requirements: LabelRequirements, labels: Labels): boolean {
  for (const r of requirements) if (!requirementHolds(r, labels)) return false;
  return true;
}

const selectorOperators: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** A `LabelSelector` as requirements; undefined (no selector) matches nothing, an empty one everything. */
export function selectorRequirements(selector: LabelSelector | undefined): LabelRequirements | undefined {
  if (!selector) return undefined;
  const found: LabelRequirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: '=',
    values: [value],
  }));
  for (const e of selector.matchExpressions ?? []) {
    const operator = selectorOperators[e.operator];
    if (!operator) throw new Error(`${JSON.stringify(e.operator)} is not a valid label selector operator`);
    found.push({ key: e.key, operator, values: [...(e.values ?? [])].sort() });
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** Whether a `LabelSelector` selects these labels. */
export function labelSelectorMatches(selector: LabelSelector | undefined, labels: Labels): boolean {
  const requirements = selectorRequirements(selector);
  return requirements !== undefined && matchesLabels(requirements, labels);
}

/** Whether a plain map (a Service's selector) selects these labels; an empty one selects nothing. */
export function mapSelectorMatches(selector: Labels, labels: Labels): boolean {
  if (!selector) return false;
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value);
}

/** The text form, as `kubectl` and scale subresources show it. */
export function labelSelectorText(requirements: LabelRequirements): string {
  const one = ({ key, operator, values }: LabelRequirement): string => {
    switch (operator) {
      case 'exists':
        return key;
      case '!':
        return `!${key}`;
      case 'in':
      case 'notin':
        return `${key} ${operator} (${values.join(',')})`;
      case 'gt':
      case 'lt':
        return `${key}${operator === 'gt' ? '>' : '<'}${values.join(',')}`;
      default:
        return `${key}${operator}${values.join(',')}`;
    }
  };
  return requirements.map(one).join(',');
}

/** Text of a field selector. Which fields a resource supports is the caller's to check. Throws ApiError BadRequest. */
export function parseFieldSelector(text: string | undefined): FieldRequirement[] {
  if (text === undefined || text === '') return [];
  const result: FieldRequirement[] = [];
  for (const term of splitTerms(text).sort()) {
    if (term === '') continue;
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = '', sign, value = ''] = match;
    // Nothing is asked of nothing.
    if (field === '' && value === '') continue;
    result.push({ field, operator: sign === '!=' ? '!=' : '=', value: unescaped(value) });
  }
  return result;
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let term = '';
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === '\\') {
      term += c + text.charAt(++i);
    } else if (c === ',') {
      terms.push(term);
      term = '';
    } else term += c;
  }
  return [...terms, term];
}

function unescaped(value: string): string {
  if (!/[\\,=]/.test(value)) return value;
  let result = '';
  for (let i = 0; i < value.length; i++) {
    const c = value.charAt(i);
    if (c === '\\') {
      const escaped = value.charAt(++i);
      if (escaped !== '\\' && escaped !== ',' && escaped !== '=') {
        throw badRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
      }
      result += escaped;
    } else if (c === ',' || c === '=') {
      throw badRequest(`invalid field selector: unescaped character in value: ${c.charCodeAt(0)}`);
    } else result += c;
  }
  return result;
}

/** Whether all hold; `textOf` gives the object's text for a field ('' when unset). */
export function matchesFields(requirements: readonly FieldRequirement[], textOf: (field: string) => string): boolean {
  return requirements.every((r) => (textOf(r.field) === r.value) === (r.operator === '='));
}
