import type { Host } from './host.ts';
import type { CloudConfig } from './schema.ts';

/** `initrd` and `boot` go before the services start; `runtime` when the network is up and a cloud has said more. */
export type PhaseName = 'initrd' | 'boot' | 'runtime';

/**
 * What one key becomes on the machine. `apply` may be repeated; it throws what a person can mend, and the machine boots
 * on. `key` names the setting in the message.
 */
export interface Applier {
  key: string;
  phases: readonly PhaseName[];
  apply(config: CloudConfig, host: Host, phase?: PhaseName): Promise<void>;
}
