import type { run } from '../base/run.ts';

/** How this room starts programs; replaced in tests, so that they can look or act in another network namespace. */
export type Runner = typeof run;

/** No call to the host may take longer than this, unless it says otherwise: far more than a machine that starves needs. */
export const hostTimeoutMs = 60_000;
