/** How Go writes numbers and texts. */

/** A number as `%g` has it. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  const significant = mantissa.replace(/\D/g, '').length;
  if (power >= -4 && power < 6) return power < 0 ? value.toFixed(significant - 1 - power) : String(value);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** What `toFixed` can be asked for. */
const mostFixed = 100;

/** The exact value of a finite number with so many digits after the point; a tie goes to the even digit. */
export function fixedText(value: number, digits: number): string {
  const size = Math.abs(value);
  const sign = value < 0 ? '-' : '';
  const exact = size < 1e21 ? size.toFixed(mostFixed) : `${BigInt(size)}.${'0'.repeat(mostFixed)}`;
  const end = exact.length - mostFixed + digits;
  const zeros = '0'.repeat(Math.max(0, digits - mostFixed));
  if (digits >= mostFixed) return `${sign}${exact}${zeros}`;
  const kept = digits === 0 ? exact.slice(0, end - 1) : exact.slice(0, end);
  const dropped = exact.slice(end);
  const odd = Number(kept.at(-1)) % 2 === 1;
  const up = dropped[0] !== undefined && dropped[0] >= '5' && (odd || !/^50*$/.test(dropped));
  return `${sign}${up ? incremented(kept) : kept}`;
}

/** A decimal number with one more in its last place. */
function incremented(text: string): string {
  const point = text.indexOf('.');
  const places = point < 0 ? 0 : text.length - point - 1;
  const next = String(BigInt(text.replace('.', '')) + 1n).padStart(places + 1, '0');
  return places === 0 ? next : `${next.slice(0, -places)}.${next.slice(-places)}`;
}

/** `-1.500000×10⁻⁰⁹`: six digits, and two at least of the exponent. */
export function scientificText(value: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(6).split('e');
  const power = `${exponent.startsWith('-') ? '⁻' : ''}${exponent.slice(1).padStart(2, '0')}`;
  return `${mantissa}×10${power.replaceAll(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? '')}`;
}

/** What Go writes in place of these characters in quotes. */
export const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** A text in quotes as `%q` has it: what cannot be printed is escaped. */
export const quotedText = (text: string): string =>
  `"${text.replaceAll(/["\\]|(?! )[\p{C}\p{Z}]/gu, (char) => {
    const known = escapes[char];
    if (known !== undefined) return known;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  })}"`;

/** Undefined where bytes are no UTF-8. */
export function textOfBytes(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : undefined;
}
