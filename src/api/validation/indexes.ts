/** Sets of indexes as jobs write them: `1,3-5`. Upstream: `pkg/apis/batch/validation`. */

type Interval = readonly [number, number];

function readNumber(text: string, completions: number): number | string {
  if (!/^[+-]?\d+$/.test(text)) return `cannot convert string to integer for index: ${JSON.stringify(text)}`;
  return Number(text) >= completions ? `too large index: ${JSON.stringify(text)}` : Number(text);
}

function readInterval(text: string, completions: number): Interval | string {
  const parts = text.split('-');
  if (parts.length > 2) {
    const rule = "an index interval can have at most two parts separated by '-'";
    return `the fragment ${JSON.stringify(text)} violates the requirement that ${rule}`;
  }
  const low = readNumber(parts[0] ?? '', completions);
  if (typeof low === 'string' || parts.length === 1) return typeof low === 'string' ? low : [low, low];
  const high = readNumber(parts[1] ?? '', completions);
  if (typeof high === 'string') return high;
  return low >= high ? `non-increasing order, previous: ${low}, current: ${high}` : [low, high];
}

/** How many indexes a text names, or what is wrong with it. */
export function readIndexes(text: string, completions: number): { total: number } | { wrong: string } {
  if (text === '') return { total: 0 };
  let last = -1;
  let total = 0;
  for (const part of text.split(',')) {
    const interval = readInterval(part, completions);
    if (typeof interval === 'string') return { wrong: interval };
    const [low, high] = interval;
    if (last >= low) return { wrong: `non-increasing order, previous: ${last}, current: ${low}` };
    total += high - low + 1;
    last = high;
  }
  return { total };
}

/** The first index that two sets share; parts that cannot be read are passed over. */
export function sharedIndex(one: string, other: string, completions: number): number | undefined {
  const read = (text: string): Interval[] =>
    text.split(',').flatMap((part) => {
      const interval = readInterval(part, completions);
      return typeof interval === 'string' ? [] : [interval];
    });
  if (one === '' || other === '') return undefined;
  const [left, right] = [read(one), read(other)];
  let i = 0;
  let j = 0;
  for (;;) {
    const a = left[i];
    const b = right[j];
    if (!a || !b) return undefined;
    if (a[0] <= b[1] && b[0] <= a[1]) return Math.max(a[0], b[0]);
    if (a[0] <= b[0]) i++;
    else j++;
  }
}
