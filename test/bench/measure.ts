/** One figure of the bench. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** What upstream's control plane reached in the same run. */
  readonly peer?: number | undefined;
  /** What the reader must know of this run: a generator that was the bottleneck, errors in the answers. */
  readonly note?: string;
}

/** A group of figures that are taken together. */
export interface Measurement {
  /** The names that it can give; `--only` picks by them. */
  readonly names: readonly string[];
  /** Takes long: only when asked for by name. */
  readonly onlyByName?: boolean;
  /** Gives those of `wanted` that could be measured. Throws, or gives nothing, with the reason in the error. */
  run(context: BenchContext): Promise<readonly Figure[]>;
}

export interface BenchContext {
  readonly wanted: ReadonlySet<string>;
  /** The cluster to measure instead of an own one (the API part alone). */
  readonly kubeconfig: string | undefined;
  /** Folder of upstream's programs, to be measured in turn with ours. */
  readonly peer: string | undefined;
  /** How long what lasts is to last. */
  readonly seconds: number | undefined;
  /** Where the picture of a machine's start goes. */
  readonly svg: string | undefined;
  say(text: string): void;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
};
