import { mkdir } from 'node:fs/promises';
import type { Host } from '../../cloud-config/host.ts';
import type { Outcome, Pending, UpgradeState } from '../../src/daemon/upgrade/state.ts';
import { type BootEntry, bootOrder } from '../boot/entries.ts';
import { withEntries } from '../boot/esp.ts';
import type { MachineDisk } from '../disk/machine-disk.ts';
import { prepareForTrial, restoreAfterTrial } from '../update/datastore.ts';

export interface TrialContext {
  readonly host: Host;
  readonly state: UpgradeState;
  readonly disk: MachineDisk;
  /** On the console and in the journal. */
  readonly say: (text: string) => void;
}

/** Where a machine stands with a pending upgrade when it starts. */
export type Standing =
  | { readonly is: 'on-trial'; readonly entry: BootEntry }
  /** Blessed already; only writing it down was cut off. */
  | { readonly is: 'kept' }
  /** Its tries are used up, or somebody started the old version: it is over. */
  | { readonly is: 'returned'; readonly entry: BootEntry }
  /** It was cut off before the new version could start. */
  | { readonly is: 'interrupted' }
  /** The new version has not started yet and will with the next boot. */
  | { readonly is: 'waiting' };

export function standingOf(pending: Pending, running: string | undefined, entries: readonly BootEntry[]): Standing {
  const entry = entries.find(({ version }) => version === pending.to);
  if (running === pending.to)
    return entry === undefined || entry.tries === undefined ? { is: 'kept' } : { is: 'on-trial', entry };
  if (running !== pending.from || entry === undefined) return { is: 'interrupted' };
  if (entry.tries !== undefined && entry.tries.done === 0 && bootOrder(entries)[0] === entry) return { is: 'waiting' };
  return entry.tries?.done === 0 ? { is: 'interrupted' } : { is: 'returned', entry };
}

const noWords = 'it did not come so far as to say why: its kernel panicked, it hung, or its power was cut';

export async function finish(
  state: UpgradeState,
  pending: Pending,
  result: Outcome['result'],
  more: Partial<Pick<Outcome, 'reasons' | 'datastoreRestored'>> = {},
): Promise<Outcome> {
  const { id, kind, from, to, request, restoreDatastore = false } = pending;
  const outcome: Outcome = {
    id,
    kind,
    result,
    from,
    to,
    at: Math.floor(Date.now() / 1000),
    reasons: [],
    datastoreRestored: result === 'kept' && restoreDatastore,
    ...more,
    ...(request === undefined ? {} : { request }),
  };
  await state.write('outcome', outcome);
  await state.remove('pending');
  return outcome;
}

/** The old version runs again: the datastore is its own again, its entry is good again, the other's will not be taken. */
async function returned({ host, state, disk, say }: TrialContext, pending: Pending): Promise<void> {
  const datastoreRestored = await restoreAfterTrial(host, state, pending);
  await withEntries(host, disk, 'write', async (entries) => {
    for (const entry of await entries.list()) {
      if (entry.version === pending.to) await entries.retry(entry, { left: 0, done: entry.tries?.done ?? 1 });
      if (entry.version === pending.from) await entries.retry(entry, undefined);
    }
  });
  const attempts = ((await state.read('attempts')) ?? []).filter(({ id }) => id === pending.id);
  const reasons = attempts.at(-1)?.reasons ?? [noWords];
  await finish(state, pending, 'returned', { reasons, datastoreRestored });
  say(`${pending.to} was not kept, ${pending.from} runs again: ${reasons.join('; ')}`);
  if (datastoreRestored) say(`the datastore is back as ${pending.from} left it`);
}

/**
 * At each boot with an upgrade pending, before the daemon starts: is this the new version's trial, or the way back from
 * it? On trial, the datastore is copied before the new version can open it.
 */
export async function beginTrial(context: TrialContext): Promise<Standing['is'] | undefined> {
  const { host, state, disk, say } = context;
  const pending = await state.read('pending');
  if (pending === undefined || pending.kind === 'daemon') return undefined;
  await mkdir(host.path('/run/knarr'), { recursive: true });
  const standing = standingOf(
    pending,
    disk.running.version,
    await withEntries(host, disk, 'read', (entries) => entries.list()),
  );
  switch (standing.is) {
    case 'on-trial': {
      const { left, done } = await countTry(context, pending, standing.entry);
      say(`${pending.to} is on trial: try ${done} of ${done + left}, ${pending.deadlineSeconds} s to be healthy`);
      await prepareForTrial(host, state, pending);
      break;
    }
    case 'kept':
      await finish(state, pending, 'kept');
      break;
    case 'returned':
      await returned(context, pending);
      break;
    case 'interrupted':
      await finish(state, pending, 'interrupted', { reasons: ['it was cut off before the new version could start'] });
      say(`the upgrade to ${pending.to} was cut off before it could start; ${disk.running.version} runs`);
      break;
    case 'waiting':
      break;
  }
  return standing.is;
}

/**
 * The boot loader has counted this try by renaming the entry. Where its firmware cannot rename (U-Boot's FAT), the counter
 * stands as it was: then it is moved here, which serves for everything that goes wrong from here on.
 */
async function countTry(
  { host, state, disk }: TrialContext,
  { id }: Pending,
  entry: BootEntry,
): Promise<{ left: number; done: number }> {
  const before = await state.read('tried');
  const begun = before?.id === id ? before.begun : 0;
  let { left, done } = entry.tries ?? { left: 0, done: 1 };
  if (done <= begun && left > 0) {
    left--;
    done++;
    await withEntries(host, disk, 'write', (entries) => entries.retry(entry, { left, done }));
  }
  await state.write('tried', { id, begun: done });
  return { left, done };
}

/** The new version is kept: the boot loader counts no more, then it is written down. */
export async function bless({ host, state, disk, say }: TrialContext): Promise<void> {
  const pending = await state.read('pending');
  if (pending === undefined || pending.to !== disk.running.version) return;
  await withEntries(host, disk, 'write', async (entries) => {
    for (const entry of await entries.list()) if (entry.version === pending.to) await entries.retry(entry, undefined);
  });
  await finish(state, pending, 'kept');
  say(`${pending.to} is healthy and stays`);
}
