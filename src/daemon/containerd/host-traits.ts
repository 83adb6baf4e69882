import { access, readFile } from 'node:fs/promises';
import { detectCgroups } from '../../host/cgroups.ts';

/** What this machine allows, which the runtime's configuration must follow. */
export interface HostTraits {
  /** CAP_SYS_RESOURCE: without it oom_score_adj cannot be lowered. */
  readonly canLowerOomScore: boolean;
  readonly systemd: boolean;
  readonly cgroupDriver: 'systemd' | 'cgroupfs';
}

const CAP_SYS_RESOURCE = 24n;

export function hasCapability(status: string, capability: bigint): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> capability) & 1n) === 1n;
}

export async function detectHost(): Promise<HostTraits> {
  const [status, cgroups, systemd] = await Promise.all([
    readFile('/proc/self/status', 'utf8'),
    detectCgroups(),
    access('/run/systemd/system').then(
      () => true,
      () => false,
    ),
  ]);
  return {
    canLowerOomScore: hasCapability(status, CAP_SYS_RESOURCE),
    systemd,
    cgroupDriver: systemd && cgroups.version === 2 ? 'systemd' : 'cgroupfs',
  };
}
