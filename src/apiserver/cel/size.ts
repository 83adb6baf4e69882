/** How large something can be, or what it can cost: at the least and at the most. */
export interface Size {
  readonly min: number;
  readonly max: number;
}

/** Upstream counts in 64 bits, and stays there. */
export const limit = 2 ** 64;

const bounded = (value: number): number => (value >= limit || Number.isNaN(value) ? limit : value);

export const fixed = (value: number): Size => ({ min: value, max: value });
export const unknownSize: Size = { min: 0, max: limit };
export const nothing: Size = fixed(0);

export const plus = (...sizes: readonly Size[]): Size => ({
  min: bounded(sizes.reduce((sum, { min }) => sum + min, 0)),
  max: bounded(sizes.reduce((sum, { max }) => sum + max, 0)),
});

const product = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : bounded(a * b));

export const times = (a: Size, b: Size): Size => ({ min: product(a.min, b.min), max: product(a.max, b.max) });

export const scaled = ({ min, max }: Size, factor: number): Size => ({
  min: bounded(Math.ceil(min * factor)),
  max: max >= limit ? limit : bounded(Math.ceil(max * factor)),
});

export const union = (a: Size, b: Size): Size => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });
