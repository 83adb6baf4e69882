import type { AllocatorMetrics } from '../../metrics/allocators.ts';

/** Where Services get their addresses and ports from. */
export interface ServiceNetwork {
  /** One network, or one of each family; the first one's family is the default. */
  readonly cidrs: readonly string[];
  /** Default 30000–32767. */
  readonly nodePorts?: { readonly from: number; readonly to: number } | undefined;
  readonly metrics?: AllocatorMetrics | undefined;
}
