import { writeFileAtomic } from '../src/base/atomic-file.ts';
import { messageOf } from '../src/base/errors.ts';
import type { Applier } from './applier.ts';
import { appliedFile } from './appliers/online.ts';
import { createSshKeys } from './appliers/ssh-keys.ts';
import { appliers } from './appliers.ts';
import { changesBetween, settingOf, withSetting } from './effects.ts';
import type { Host } from './host.ts';
import type { CloudConfig } from './schema.ts';
import { fetchHttp, type Http } from './sources/http.ts';

/** How far a running machine came. */
export interface Reconciled {
  readonly applied: readonly string[];
  /** What waits for the next boot. */
  readonly pending: readonly string[];
  readonly failed: readonly { readonly key: string; readonly message: string }[];
  /** Units that were told to start anew. */
  readonly restarted: readonly string[];
}

/**
 * Brings a running machine from one configuration to another: of what differs, all that can be brought about now is,
 * and nothing else is touched. What came about is written down; the rest still differs, and is tried again next time.
 */
export async function reconcile(options: {
  host: Host;
  before: CloudConfig;
  after: CloudConfig;
  http?: Http;
}): Promise<Reconciled> {
  const { host, before, after, http = fetchHttp } = options;
  const changes = changesBetween(before, after);
  const pending = changes.filter(({ effect }) => effect === 'boot').map(({ key }) => key);
  const now = changes.filter(({ effect }) => effect === 'now');
  const back = (config: CloudConfig, keys: readonly string[]): CloudConfig =>
    keys.reduce((result, key) => withSetting(result, key, settingOf(before, key)), config);
  const target = back(after, pending);

  const wrong = new Map<string, string>();
  const keys = createSshKeys(http);
  for (const applier of appliers.map((each): Applier => (each.key === keys.key ? keys : each))) {
    if (!now.some((change) => change.appliers.includes(applier.key))) continue;
    try {
      await applier.apply(target, host, 'runtime');
    } catch (error) {
      wrong.set(applier.key, messageOf(error));
    }
  }
  const failed = now.flatMap((change) => {
    const messages = change.appliers.flatMap((key) => wrong.get(key) ?? []);
    return messages.length === 0 ? [] : [{ key: change.key, message: messages.join('; ') }];
  });
  const failedKeys = failed.map(({ key }) => key);
  await writeFileAtomic(host.path(appliedFile), JSON.stringify(back(target, failedKeys)), { mode: 0o600 });

  const done = now.filter(({ key }) => !failedKeys.includes(key));
  const restarted = [...new Set(done.flatMap(({ restarts }) => restarts))].sort();
  // They start when they can: one that never gets ready is not waited for.
  for (const unit of restarted) await host.run('systemctl', ['restart', '--no-block', unit]);
  return { applied: done.map(({ key }) => key), pending, failed, restarted };
}
