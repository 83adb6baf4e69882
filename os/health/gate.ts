import type { Host } from '../../cloud-config/host.ts';
import { delay } from '../../src/base/abort.ts';
import { messageOf } from '../../src/base/errors.ts';
import type { UpgradeState } from '../../src/daemon/upgrade/state.ts';
import { type HealthCheck, healthChecks, judge } from './checks.ts';
import { type LocalClients, openLocalClients } from './local-clients.ts';

export interface GateOptions {
  readonly host: Host;
  readonly state: UpgradeState;
  readonly deadlineSeconds: number;
  readonly say: (text: string) => void;
  readonly failedBefore?: ReadonlySet<string>;
  /** Between two looks. */
  readonly everyMs?: number;
  /** How long everything must stay well. */
  readonly settleMs?: number;
  readonly checks?: readonly HealthCheck[];
  readonly open?: (host: Host, state: UpgradeState) => Promise<LocalClients>;
}

/** Looks until all is well and stays so; gives the reasons when that is not before the deadline. */
export async function healthGate(options: GateOptions): Promise<readonly string[]> {
  const { host, state, deadlineSeconds, say, everyMs = 3_000, settleMs = 10_000 } = options;
  const { checks = healthChecks, open = openLocalClients, failedBefore = new Set<string>() } = options;
  const end = performance.now() + deadlineSeconds * 1000;
  let wellSince: number | undefined;
  let told = '';
  const look = async (): ReturnType<typeof judge> => {
    const clients = await open(host, state).catch(messageOf);
    if (typeof clients === 'string') return { waits: [`credentials: ${clients}`], fails: [] };
    return judge(checks, { host, state, clients, failedBefore }).finally(() => clients.close());
  };
  for (;;) {
    const { waits, fails } = await look();
    if (fails.length > 0) return [...fails, ...waits];
    const now = performance.now();
    if (waits.length === 0) {
      wellSince ??= now;
      if (now - wellSince >= settleMs) return [];
    } else {
      wellSince = undefined;
      if (now >= end) return waits;
      const [first = ''] = waits;
      if (first !== told) say(`health: waiting: ${first}`);
      told = first;
    }
    await delay(everyMs);
  }
}
