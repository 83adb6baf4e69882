/** How many seats were wanted over a period: weighted by how long. */
export interface Demand {
  readonly highest: number;
  readonly average: number;
  readonly deviation: number;
}

export interface DemandMeter {
  /** From now on so many are wanted. */
  now(value: number): void;
  /** Of the period that ends now; the next one begins. */
  take(): Demand;
}

export function createDemandMeter(clock: () => number = () => performance.now()): DemandMeter {
  let value = 0;
  let since = clock();
  let begun = since;
  let highest = 0;
  let area = 0;
  let squares = 0;

  const add = (at: number): void => {
    const span = at - since;
    since = at;
    area += value * span;
    squares += value * value * span;
  };
  return {
    now(next) {
      add(clock());
      value = next;
      if (next > highest) highest = next;
    },
    take() {
      const at = clock();
      add(at);
      const span = at - begun;
      const average = span > 0 ? area / span : value;
      const variance = span > 0 ? squares / span - average * average : 0;
      const taken = { highest, average, deviation: Math.sqrt(Math.max(0, variance)) };
      begun = at;
      highest = value;
      area = 0;
      squares = 0;
      return taken;
    },
  };
}
