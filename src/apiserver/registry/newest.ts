import type { Core } from './core.ts';
import type { Kept } from './stored.ts';

/** What stands, or will as soon as all that is on its way is durable. */
export function newest(core: Core, key: string): Kept | undefined {
  const coming = core.cache.onItsWay(key);
  if (coming === 'deleted') return undefined;
  return coming ?? core.cache.get(key);
}
