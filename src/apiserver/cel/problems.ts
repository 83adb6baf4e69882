import { ExpressionError, ExpressionErrors, mostProblems, nowhere } from './lexer.ts';

const wide = (char: string): boolean =>
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff60]/.test(char);

/** `ERROR: <input>:1:2: …` with the line and a mark under the place, as cel-go prints issues. */
function shown({ message, at }: ExpressionError, text: string): string {
  if (at === nowhere) return `ERROR: <input>:-1:0: ${message}`;
  if (at === undefined) return `ERROR: <input>:1:0: ${message}`;
  const before = [...text].slice(0, at).join('').split('\n');
  const head = [...(before.at(-1) ?? '')];
  const line = text.split('\n')[before.length - 1] ?? '';
  const dots = head.map((char) => (wide(char) ? '．' : '.')).join('');
  return `ERROR: <input>:${before.length}:${head.length + 1}: ${message}\n | ${line.replaceAll('\t', ' ')}\n | ${dots}^`;
}

/** What is wrong with an expression, in cel-go's words; undefined for an error of another kind. */
export function compileProblem(error: unknown, text: string): string | undefined {
  const all = error instanceof ExpressionErrors ? error.all : error instanceof ExpressionError ? [error] : undefined;
  if (!all) return undefined;
  const told = all
    .slice(0, mostProblems)
    .sort((a, b) => (a.at ?? -1) - (b.at ?? -1))
    .map((one) => shown(one, text));
  const rest = all.length - told.length;
  return [...told, ...(rest > 0 ? [`${rest} more errors were truncated`] : [])].join('\n');
}
