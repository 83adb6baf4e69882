import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

export interface FollowedFile {
  /** Settles when a change that is being taken in has been. */
  stop(): Promise<void>;
}

/** Changes come in bursts: what is written is looked at once it is still. */
const settleMs = 100;
/** Links deep in a path (ConfigMap volumes) change with no event in the folder. */
const pollMs = 60_000;

/**
 * Gives a file's new content to `changed` each time it is another; `text` is what is known already. What `changed`
 * throws is logged, and the same content is not tried again.
 */
export function followFile(options: {
  path: string;
  text: string;
  changed: (text: string) => Promise<void> | void;
  /** Hears of every change, whether it was taken. */
  told?: ((taken: boolean, text: string) => void) | undefined;
  log: Logger;
}): FollowedFile {
  const { path, changed, told, log } = options;
  let known = options.text;
  let stopped = false;
  let settle: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  let busy: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    if (stopped) return;
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      log.error('a configuration file cannot be read; what it said last stays in force', { error: messageOf(error) });
      return;
    }
    if (text === known || stopped) return;
    known = text;
    try {
      await changed(text);
      told?.(true, text);
      log.info('a configuration file was read again', { path });
    } catch (error) {
      told?.(false, text);
      log.error('a changed configuration file is not taken; what it said before stays in force', {
        path,
        error: messageOf(error),
      });
    }
  };
  const soon = (): void => {
    clearTimeout(settle);
    settle = setTimeout(() => {
      busy = busy.then(look);
    }, settleMs);
    settle.unref();
  };
  try {
    watcher = watch(dirname(path), { persistent: false }, soon);
    watcher.on('error', () => watcher?.close());
  } catch (error) {
    log.warn('the folder of a configuration file cannot be watched; it is looked at once a minute', {
      path,
      error: messageOf(error),
    });
  }
  const poll = setInterval(soon, pollMs);
  poll.unref();
  return {
    async stop() {
      stopped = true;
      clearTimeout(settle);
      clearInterval(poll);
      watcher?.close();
      await busy;
    },
  };
}
