import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../client/informer.ts';
import type { Plugin } from '../plugin.ts';

export function createVolumePlugins(_options: { client: Client; informers: InformerFactory; onChange: () => void }): {
  plugins: readonly Plugin[];
  synced(): Promise<unknown>;
} {
  return { plugins: [], synced: () => Promise.resolve() };
}
