import { ExpressionError } from './lexer.ts';
import { clauseProblem, overClauses } from './library/format-text.ts';
import { goPattern } from './regex.ts';
import { parseDuration, parseTimestamp } from './time.ts';
import { type Call, childrenOf, type Expr } from './tree.ts';
import { dynType, isOptional, runtimeText, sameType, type Type, typeText } from './types.ts';

type Types = ReadonlyMap<number, Type>;

function isPattern(text: string): boolean {
  try {
    goPattern(text);
    return true;
  } catch {
    return false;
  }
}

/** Functions whose argument, where it stands in the text, can be looked at before anything is run. */
const arguments_: Readonly<Record<string, (value: unknown) => boolean>> = {
  duration: (value) => typeof value === 'string' && parseDuration(value) !== undefined,
  timestamp: (value) => typeof value !== 'string' || parseTimestamp(value) !== undefined,
  matches: (value) => typeof value !== 'string' || isPattern(value),
};

/** What can be told of what stands in the text of an expression whose types are right. Upstream: cel-go's validators. */
export function literalProblems(tree: Expr, types: Types): ExpressionError[] {
  const problems: ExpressionError[] = [];
  visit(tree, types, false, problems);
  return problems;
}

/** `formatted`: within the arguments of `format`, where types may be mixed. */
function visit(node: Expr, types: Types, formatted: boolean, problems: ExpressionError[]): void {
  const within = formatted || (node.kind === 'call' && node.name === 'format');
  for (const child of childrenOf(node)) visit(child, types, within, problems);
  if (node.kind === 'call') {
    checkArgument(node, problems);
    checkFormat(node, types, problems);
  } else if (node.kind === 'list' && !formatted) {
    const items = node.items.map((item, i) => ({ node: item, optional: node.optional.has(i) }));
    checkSame(items, types, problems, true);
  } else if (node.kind === 'map' && !formatted) {
    const plain = (key: Expr) => ({ node: key, optional: false });
    checkSame(
      node.entries.map(({ key }) => plain(key)),
      types,
      problems,
    );
    checkSame(
      node.entries.map(({ value, optional }) => ({ node: value, optional })),
      types,
      problems,
    );
  }
}

function checkArgument(node: Call, problems: ExpressionError[]): void {
  const check = Object.hasOwn(arguments_, node.name) ? arguments_[node.name] : undefined;
  const argument = node.args.at(-1);
  if (!check || argument?.kind !== 'literal' || check(argument.value)) return;
  problems.push(new ExpressionError(`invalid ${node.name} argument`, argument.at));
}

/** Parts of one literal are of one type. `once`: only the first that is not is told. */
function checkSame(
  parts: readonly { node: Expr; optional: boolean }[],
  types: Types,
  problems: ExpressionError[],
  once = false,
): void {
  let wanted: Type | undefined;
  for (const { node, optional } of parts) {
    const given = types.get(node.id) ?? dynType;
    const type = optional && isOptional(given) ? (given.params[0] ?? dynType) : given;
    wanted ??= type;
    if (sameType(wanted, type)) continue;
    problems.push(new ExpressionError(`expected type '${typeText(wanted)}' but found '${typeText(type)}'`, node.at));
    if (once) return;
  }
}

/** Types as they are at run time, without what they are made of. */
const nameOf = (type: Type): string => runtimeText({ ...type, params: [] });

/** What of an argument a verb cannot format: itself, or a part of a literal that `%s` goes into. */
function misfit(verb: string, node: Expr, types: Types): ExpressionError | undefined {
  const type = types.get(node.id) ?? dynType;
  const problem = type.kind === 'dyn' || type.kind === 'param' ? undefined : clauseProblem(verb, type, nameOf(type));
  if (problem !== undefined) return new ExpressionError(problem, node.at);
  if (verb !== 's' || (node.kind !== 'list' && node.kind !== 'map')) return undefined;
  for (const part of childrenOf(node)) {
    const found = misfit(verb, part, types);
    if (found) return found;
  }
  return undefined;
}

function checkFormat({ name, target, args, at }: Call, types: Types, problems: ExpressionError[]): void {
  const [list] = args;
  if (name !== 'format' || target?.kind !== 'literal' || typeof target.value !== 'string' || list?.kind !== 'list')
    return;
  try {
    const { used } = overClauses(target.value, list.items.length, (verb, index) => {
      const found = misfit(verb, list.items[index] as Expr, types);
      if (found) throw found;
      return '';
    });
    if (list.items.length === used) return;
    const counts = `expected ${used}, got ${list.items.length}`;
    problems.push(new ExpressionError(`too many arguments supplied to string.format (${counts})`, at));
  } catch (error) {
    problems.push(error instanceof ExpressionError ? error : new ExpressionError((error as Error).message, at));
  }
}
