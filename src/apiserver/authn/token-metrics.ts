import { type Counters, createCounters } from '../metrics/counter.ts';

/** Which kinds of service-account tokens are still in use. */
export type TokenMetrics = Readonly<Record<keyof typeof counters, Counters>> & { render(): string };

const counters = {
  legacy: ['legacy_tokens', 'Tokens of Secrets that were used.'],
  manualLegacy: ['legacy_manual_token_uses', 'Uses of tokens in Secrets that somebody made for them.'],
  generatedLegacy: ['legacy_auto_token_uses', 'Uses of tokens in Secrets that were made with their account.'],
  invalidatedLegacy: ['invalid_legacy_auto_token_uses', 'Uses of tokens in Secrets that are marked as invalid.'],
  stale: ['stale_tokens', 'Uses of tokens of pods that ought to have been renewed.'],
  valid: ['valid_tokens', 'Uses of tokens of pods that were renewed in time.'],
} as const;

export function createTokenMetrics(): TokenMetrics {
  const made = Object.entries(counters).map(([key, [name, help]]) => {
    const counter = createCounters({ name: `serviceaccount_${name}_total`, help, labels: [] });
    counter.add(0);
    return [key, counter] as const;
  });
  return {
    ...(Object.fromEntries(made) as Record<keyof typeof counters, Counters>),
    render: () => made.map(([, counter]) => counter.render()).join(''),
  };
}
