/** A generator of numbers below 1 that gives the same ones for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Material {
  readonly corpus: readonly Buffer[];
  readonly words: readonly Buffer[];
}

const longest = 64 * 1024;
const empty = Buffer.alloc(0);

type Mutation = (input: Buffer, below: (n: number) => number, material: Material) => Buffer;

const splice = (input: Buffer, at: number, remove: number, put: Buffer): Buffer =>
  Buffer.concat([input.subarray(0, at), put, input.subarray(at + remove)]);

const pick = (all: readonly Buffer[], below: (n: number) => number): Buffer => all[below(all.length)] ?? empty;

const mutations: readonly Mutation[] = [
  /** One bit turned. */
  (input, below) => {
    const copy = Buffer.from(input);
    const at = below(copy.length);
    if (copy.length > 0) copy[at] = (copy[at] as number) ^ (1 << below(8));
    return copy;
  },
  /** One byte made another. */
  (input, below) => splice(input, below(input.length + 1), below(2), Buffer.of(below(256))),
  /** A piece left out. */
  (input, below) => splice(input, below(input.length + 1), below(16), empty),
  /** A piece said again, here or elsewhere. */
  (input, below) => {
    const from = below(input.length);
    return splice(input, below(input.length + 1), 0, input.subarray(from, from + below(64)));
  },
  /** A word put in. */
  (input, below, { words }) => splice(input, below(input.length + 1), below(4), pick(words, below)),
  /** A word many times over: depth and length. */
  (input, below, { words }) => {
    const word = pick(words, below);
    const times = 1 << below(13);
    return splice(input, below(input.length + 1), 0, Buffer.from(word.toString('latin1').repeat(times), 'latin1'));
  },
  /** The beginning of this with the end of another. */
  (input, below, { corpus }) => {
    const other = pick(corpus, below);
    return Buffer.concat([input.subarray(0, below(input.length + 1)), other.subarray(below(other.length + 1))]);
  },
  /** Nothing but chance. */
  (_input, below) => Buffer.from(Array.from({ length: below(200) }, () => below(256))),
];

/** The next input: one of the corpus, changed a few times. */
export function mutated(random: () => number, material: Material): Buffer {
  const below = (n: number): number => Math.floor(random() * n);
  let input = pick(material.corpus, below);
  for (let left = 1 + below(4); left > 0; left--) {
    input = (mutations[below(mutations.length)] as Mutation)(input, below, material);
  }
  return input.subarray(0, longest);
}
