import type { Core } from './core.ts';
import type { Kept } from './stored.ts';

/** What stands, or will as soon as all that is on its way is durable. */
export function newest(core: Core, key: string): Kept | undefined {
  const coming = core.cache.onItsWay(key);
  if (coming === 'deleted') return undefined;
  return coming ?? core.cache.get(key);
}

/** What an answer speaks of must be durable before the request is answered. */
export async function durable(core: Core, existing: Kept): Promise<Kept> {
  if (existing.revision > core.hub.revision()) await core.hub.reach(existing.revision, 10_000);
  return existing;
}
