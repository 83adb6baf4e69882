import { createHistograms } from '../metrics/histogram.ts';

/** Upstream's bounds: from a tenth of a millisecond on, times two or five. */
const bounds = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
const named = (what: string, help: string) =>
  createHistograms({ name: `apiserver_cel_${what}_duration_seconds`, help, labels: [], bounds });

const compilation = named('compilation', 'Time to compile an expression.');
const evaluation = named('evaluation', 'Time to evaluate an expression.');

/** `began` is a `performance.now()`. */
export const compiled = (began: number): void => compilation.of().observe((performance.now() - began) / 1000);
export const evaluated = (began: number): void => evaluation.of().observe((performance.now() - began) / 1000);

/** Of all expressions of this process. */
export const renderCel = (): string => compilation.render() + evaluation.render();
