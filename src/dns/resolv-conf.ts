import { type FSWatcher, watch } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ipFamily } from '../base/cidr.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

/** The name servers of a resolv.conf, in order; scoped addresses (`fe80::1%eth0`) are kept with their scope. */
export function parseNameservers(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
    return address !== undefined && ipFamily(address.split('%')[0] ?? '') !== undefined ? [address] : [];
  });
}

/** Keeps a list of name servers as the file has it; told of changes by the kernel. */
export interface Nameservers {
  readonly list: readonly string[];
  start(): Promise<void>;
  stop(): void;
}

export function watchNameservers(options: { path: string; exclude: readonly string[]; log: Logger }): Nameservers {
  const { path, exclude, log } = options;
  let list: readonly string[] = [];
  const watchers: FSWatcher[] = [];

  const load = async (): Promise<void> => {
    try {
      const all = parseNameservers(await readFile(path, 'utf8'));
      // To ask ourselves would go round for ever.
      list = [...new Set(all.filter((address) => !exclude.includes(address)))].slice(0, 8);
    } catch (error) {
      list = [];
      log.warn('no name servers: only names of the cluster are answered', { path, error: messageOf(error) });
    }
  };
  const follow = async (file: string): Promise<void> => {
    const watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      if (name === basename(file)) void load();
    });
    watcher.on('error', (error) => log.warn('changes of name servers are not seen', { error: error.message }));
    watchers.push(watcher);
  };

  return {
    get list() {
      return list;
    },
    async start() {
      await load();
      const target = await realpath(path).catch(() => path);
      for (const file of new Set([path, target]))
        await follow(file).catch((error) =>
          log.warn('changes of name servers are not seen', { error: messageOf(error) }),
        );
    },
    stop() {
      for (const watcher of watchers) watcher.close();
    },
  };
}
