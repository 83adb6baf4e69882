/**
 * Compares two versions as the boot loader does when it sorts its entries (the UAPI group's version format
 * specification): negative when `a` is the older one.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.replace(/[^A-Za-z0-9.~^-]/g, '')) as [string, string];
  let [i, j] = [0, 0];
  const sign = (x: boolean, y: boolean): number => Number(x) - Number(y);
  for (;;) {
    const [x = '', y = ''] = [left[i], right[j]];
    const tilde = sign(x !== '~', y !== '~');
    if (tilde !== 0) return tilde;
    if (x === '~') {
      i++;
      j++;
      continue;
    }
    if (x === '' || y === '') return sign(x !== '', y !== '');
    const mark = ['-', '^', '.'].find((m) => x === m || y === m);
    if (mark !== undefined) {
      const order = sign(x !== mark, y !== mark);
      if (order !== 0) return order;
      i++;
      j++;
      continue;
    }
    const kind = /\d/.test(x) || /\d/.test(y) ? /^\d*/ : /^[A-Za-z]*/;
    const [one, other] = [kind.exec(left.slice(i))?.[0] ?? '', kind.exec(right.slice(j))?.[0] ?? ''];
    const order = kind.source === '^\\d*' ? compareNumbers(one, other) : compareText(one, other);
    if (order !== 0) return order;
    i += one.length;
    j += other.length;
  }
}

/** A number is newer than none; leading zeros say nothing. */
function compareNumbers(a: string, b: string): number {
  if (a === '' || b === '') return Number(a !== '') - Number(b !== '');
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return x.length === y.length ? compareText(x, y) : x.length - y.length;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
