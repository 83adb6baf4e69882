import { renderFamilies } from './text.ts';

/** Counters of one name: one for each set of labels that was ever counted. */
export interface Counters {
  /** Values of the labels, in the order in which they were named. */
  count(...values: readonly string[]): void;
  add(by: number, ...values: readonly string[]): void;
  /** In the text format of Prometheus; empty while nothing was counted. */
  render(): string;
}

/** Past it, new sets of labels are not counted. */
const mostSeries = 2000;

export function createCounters(options: { name: string; help: string; labels: readonly string[] }): Counters {
  const { name, help, labels } = options;
  const all = new Map<string, { labels: Record<string, string>; value: number }>();
  const add: Counters['add'] = (by, ...values) => {
    const key = values.join('\n');
    let found = all.get(key);
    if (!found) {
      if (all.size >= mostSeries) return;
      found = { labels: Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ''])), value: 0 };
      all.set(key, found);
    }
    found.value += by;
  };
  return {
    add,
    count: (...values) => add(1, ...values),
    render: () => renderFamilies([{ name, type: 'counter', help, samples: [...all.values()] }]),
  };
}
