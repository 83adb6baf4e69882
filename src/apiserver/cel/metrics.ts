import { createHistograms, usualBounds } from '../metrics/histogram.ts';

const named = (what: string, help: string) =>
  createHistograms({ name: `apiserver_cel_${what}_duration_seconds`, help, labels: [], bounds: usualBounds });

const compilation = named('compilation', 'Time to compile an expression.');
const evaluation = named('evaluation', 'Time to evaluate an expression.');

/** `began` is a `performance.now()`. */
export const compiled = (began: number): void => compilation.of().observe((performance.now() - began) / 1000);
export const evaluated = (began: number): void => evaluation.of().observe((performance.now() - began) / 1000);

/** Of all expressions of this process. */
export const renderCel = (): string => compilation.render() + evaluation.render();
