import { newEnvironment } from './environment.ts';
import { escapedName, type ValueSchema } from './values.ts';

/** A rule may cost so much at the most, over all places where it can stand. Upstream: `StaticEstimatedCostLimit`. */
export const estimateLimit = 10_000_000;

/** The largest request in bytes, which bounds what has no bound of its own. */
const requestBytes = 3 * 1024 * 1024;

type Bounded = ValueSchema & { maxItems?: number; maxProperties?: number; required?: string[]; default?: unknown };

interface Node {
  op: string;
  args: unknown;
  meta?: { alternate?: Node; macro?: Record<string, unknown> };
}

interface Comprehension {
  iterable: Node;
  iterVarName: string;
  step: Node;
}

const isSchema = (value: unknown): value is Bounded =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fewest bytes of JSON that a value takes; of an object's properties only the required ones count. */
function smallest(schema: Bounded): number {
  if (schema.type === 'boolean') return 4;
  if (schema.type === 'integer' || schema.type === 'number') return 1;
  let size = 2;
  for (const name of schema.required ?? []) {
    const property = schema.properties?.[name];
    if (isSchema(property) && property.default === undefined) size += name.length + 4 + smallest(property);
  }
  return size;
}

/** How many elements a list or map may have at the most; undefined: the schema does not say what it is. */
export function mostElements(schema: unknown): number | undefined {
  if (!isSchema(schema)) return undefined;
  if (schema.type === 'array')
    return schema.maxItems ?? Math.floor(requestBytes / (smallest(isSchema(schema.items) ? schema.items : {}) + 1));
  if (schema.type === 'object' && isSchema(schema.additionalProperties))
    return schema.maxProperties ?? Math.floor(requestBytes / (smallest(schema.additionalProperties) + 6));
  return undefined;
}

/** How many elements the schema itself allows; Infinity where it does not say. */
export function allowedElements(schema: Bounded): number {
  return (schema.type === 'array' ? schema.maxItems : schema.maxProperties) ?? Number.POSITIVE_INFINITY;
}

/** How often a value of the schema fits in one request. */
export const mostOccurrences = (schema: Bounded): number => Math.floor(requestBytes / (smallest(schema) + 1));

type Scope = ReadonlyMap<string, unknown>;

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value;

/** The schema of what a node stands for, where it is a path from a variable. */
function schemaOf(given: Node, scope: Scope): unknown {
  const node = given.meta?.alternate ?? given;
  if (node.op === 'id') return scope.get(node.args as string);
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [left, key] = node.args as [Node, unknown];
  const schema = schemaOf(left, scope);
  if (!isSchema(schema)) return undefined;
  if (node.op === '[]') return schema.items ?? schema.additionalProperties;
  const property = Object.entries(schema.properties ?? {}).find(([name]) => escapedName(name) === key);
  return property ? property[1] : schema.additionalProperties;
}

function cost(given: unknown, scope: Scope): number {
  if (Array.isArray(given)) return given.reduce<number>((sum, item) => sum + cost(item, scope), 0);
  if (!isNode(given)) return 0;
  const node = given.meta?.alternate ?? given;
  if (node.op === 'comprehension') {
    const { iterable, iterVarName, step } = node.args as Comprehension;
    const schema = schemaOf(iterable, scope);
    const inner = new Map(scope).set(iterVarName, isSchema(schema) ? schema.items : undefined);
    return cost(iterable, scope) + (mostElements(schema) ?? 1) * (1 + cost(step, inner));
  }
  const macro = given.meta?.macro;
  return 1 + (macro ? cost(macro.val, scope) + cost(macro.exp, scope) : cost(node.args, scope));
}

/**
 * About how many steps an expression over `self` takes at the most. Meant to err on the low side: loops count, the
 * lengths of texts do not.
 */
export function estimatedCost(expression: string, schema: unknown): number {
  const environment = newEnvironment().registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn');
  const { ast } = environment.parse(expression);
  return cost(
    ast,
    new Map([
      ['self', schema],
      ['oldSelf', schema],
    ]),
  );
}

/** What is said of an expression that costs too much; undefined when it does not. */
export function costProblem(what: string, estimated: number): string | undefined {
  const factor = estimated / estimateLimit;
  if (factor <= 1) return undefined;
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
