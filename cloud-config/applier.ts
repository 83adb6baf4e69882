import type { Host } from './host.ts';
import type { CloudConfig } from './schema.ts';

/**
 * What one key becomes on the machine. `apply` may be repeated; it throws what a person can mend, and the machine boots
 * on. `key` names the setting in the message.
 */
export interface Applier {
  key: string;
  apply(config: CloudConfig, host: Host): Promise<void>;
}
