/** How often values fell into which range, for one set of labels. */
export interface Series {
  observe(value: number): void;
}

/** A family of histograms: one for each set of labels that was ever asked for. */
export interface Histograms {
  /** Values of the labels, in the order in which they were named. */
  of(...values: readonly string[]): Series;
  /** In the text format of Prometheus; empty while nothing was observed. */
  render(): string;
}

/** Prometheus' own bounds, for times in seconds. */
export const usualBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Past it, new sets of labels are not counted. */
const mostSeries = 2000;

const escaped = (value: string): string => value.replace(/["\\\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));

interface Counted extends Series {
  lines(): string;
}

function createSeries(name: string, labels: string, bounds: readonly number[]): Counted {
  const buckets = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  let count = 0;
  const before = labels === '' ? '' : `${labels},`;
  const whole = labels === '' ? '' : `{${labels}}`;
  return {
    observe(value) {
      let i = 0;
      while (i < bounds.length && value > (bounds[i] as number)) i++;
      buckets[i] = (buckets[i] as number) + 1;
      sum += value;
      count++;
    },
    lines() {
      if (count === 0) return '';
      let total = 0;
      const rows = bounds.map((bound, i) => {
        total += buckets[i] as number;
        return `${name}_bucket{${before}le="${bound}"} ${total}\n`;
      });
      return `${rows.join('')}${name}_bucket{${before}le="+Inf"} ${count}\n${name}_sum${whole} ${sum}\n${name}_count${whole} ${count}\n`;
    },
  };
}

export function createHistograms(options: {
  name: string;
  help: string;
  labels: readonly string[];
  bounds: readonly number[];
}): Histograms {
  const { name, help, labels, bounds } = options;
  const all = new Map<string, Counted>();
  return {
    of(...values) {
      const key = values.join('\n');
      let found = all.get(key);
      if (!found) {
        const pairs = labels.map((label, i) => `${label}="${escaped(values[i] ?? '')}"`);
        found = createSeries(name, pairs.join(','), bounds);
        if (all.size < mostSeries) all.set(key, found);
      }
      return found;
    },
    render() {
      const lines = [...all.values()].map((series) => series.lines()).join('');
      return lines === '' ? '' : `# HELP ${name} ${help}\n# TYPE ${name} histogram\n${lines}`;
    },
  };
}
