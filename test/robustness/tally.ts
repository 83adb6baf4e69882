/** How often something was broken at each point, and what came of it. */
export interface Tally {
  count(point: string, outcome: string): void;
  readonly total: number;
  /** A line for each point: `  write/half      3  (1.36.3 runs 2, 1.36.3.1 runs 1)`. */
  text(): string;
}

export function createTally(): Tally {
  const points = new Map<string, Map<string, number>>();
  const sum = (outcomes: ReadonlyMap<string, number>): number =>
    [...outcomes.values()].reduce((all, count) => all + count, 0);
  return {
    count(point, outcome) {
      const outcomes = points.get(point) ?? new Map<string, number>();
      points.set(point, outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1));
    },
    get total() {
      return [...points.values()].reduce((all, outcomes) => all + sum(outcomes), 0);
    },
    text() {
      const width = Math.max(0, ...[...points.keys()].map((point) => point.length));
      return [...points]
        .map(([point, outcomes]) => {
          const each = [...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', ');
          return `  ${point.padEnd(width)} ${String(sum(outcomes)).padStart(4)}  (${each})\n`;
        })
        .join('');
    },
  };
}
