import { renderFamilies } from './text.ts';

/** Counters of one name: one for each set of labels that was ever counted. */
export interface Counters {
  /** Values of the labels, in the order in which they were named. */
  count(...values: readonly string[]): void;
  add(by: number, ...values: readonly string[]): void;
  /** Counts one set of labels, where that is done for every request: nothing is looked up. */
  counting(...values: readonly string[]): () => void;
  /** In the text format of Prometheus; empty while nothing was counted. */
  render(): string;
}

/** Past it, new sets of labels are not counted. */
const mostSeries = 2000;

export function createCounters(options: { name: string; help: string; labels: readonly string[] }): Counters {
  const { name, help, labels } = options;
  const all = new Map<string, { labels: Record<string, string>; value: number }>();
  const sampleOf = (values: readonly string[]): { value: number } | undefined => {
    const key = values.join('\n');
    let found = all.get(key);
    if (!found && all.size < mostSeries) {
      found = { labels: Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ''])), value: 0 };
      all.set(key, found);
    }
    return found;
  };
  const add: Counters['add'] = (by, ...values) => {
    const sample = sampleOf(values);
    if (sample) sample.value += by;
  };
  return {
    add,
    count: (...values) => add(1, ...values),
    counting(...values) {
      let sample: { value: number } | undefined;
      return () => {
        sample ??= sampleOf(values);
        if (sample) sample.value++;
      };
    },
    render: () => renderFamilies([{ name, type: 'counter', help, samples: [...all.values()] }]),
  };
}
