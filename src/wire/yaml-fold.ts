/** A line is broken at the first space after so many characters. */
const width = 80;

/** What stands before a scalar: indentation, dashes of lists, and a key. */
const before = /^( *)((?:- )*)((?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s'"|>#[{&*!-][^#]*?|-[^\s][^#]*?):(?: |$))?/;

/** A scalar in pieces that stand for one character of its value each, with how it may be broken at a space. */
function piecesOf(scalar: string): string[] {
  if (scalar.startsWith("'")) return scalar.slice(1, -1).match(/''|./gsu) ?? [];
  if (scalar.startsWith('"')) return scalar.slice(1, -1).match(/\\x..|\\u....|\\U.{8}|\\.|./gsu) ?? [];
  return [...scalar];
}

/** Go writes an apostrophe twice before it takes to double quotes, and in these a space as it is. */
function quoted(scalar: string): string {
  if (!scalar.startsWith('"')) return scalar;
  if (scalar.includes('\\ '))
    return `"${piecesOf(scalar)
      .map((piece) => (piece === '\\ ' ? ' ' : piece))
      .join('')}"`;
  if (!scalar.includes("'") || /\\[^"]/.test(scalar)) return scalar;
  return `'${scalar.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "''")}'`;
}

function foldedScalar(scalar: string, start: number, indent: string): string {
  const quote = scalar.startsWith("'") || scalar.startsWith('"') ? scalar.charAt(0) : '';
  const pieces = piecesOf(scalar);
  let text = quote;
  let column = start + quote.length;
  for (const [i, piece] of pieces.entries()) {
    const isInside = quote === '' || (i > 0 && i < pieces.length - 1);
    const isBreak = piece === ' ' && pieces[i - 1] !== ' ' && column > width && isInside;
    const isBeforeSpace = pieces[i + 1] === ' ';
    if (isBreak && !(isBeforeSpace && quote !== '"')) {
      text += `\n${indent}${isBeforeSpace ? '\\' : ''}`;
      column = indent.length + (isBeforeSpace ? 1 : 0);
    } else {
      text += piece;
      column += piece.length;
    }
  }
  return text + quote;
}

/** YAML whose scalars stand on one line each, with its long lines broken as Go's library breaks them. */
export function foldYaml(yaml: string): string {
  const lines: string[] = [];
  let block = -1;
  for (const line of yaml.split('\n')) {
    const [head = '', spaces = '', dashes = '', key = ''] = before.exec(line) ?? [];
    if (block >= 0 && (line.trim() === '' || spaces.length > block)) {
      lines.push(line);
      continue;
    }
    block = -1;
    const scalar = quoted(line.slice(head.length));
    const node = spaces.length + dashes.length - (key === '' && dashes !== '' ? 2 : 0);
    if (/^[|>][-+0-9]*$/.test(scalar)) block = node;
    const isFolded = line.length > width && scalar.includes(' ');
    lines.push(head + (isFolded ? foldedScalar(scalar, head.length, ' '.repeat(node + 2)) : scalar));
  }
  return lines.join('\n');
}
