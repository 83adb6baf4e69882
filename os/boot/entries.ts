import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncToDisk } from '../../src/base/atomic-file.ts';
import { KnarrError } from '../../src/base/errors.ts';
import { compareVersions } from './version-order.ts';

/** Where the unified kernel images are on the EFI system partition. */
export const entriesFolder = 'EFI/Linux';

/**
 * A slot's entry in the boot loader's menu: `knarr_VERSION.efi`, or while it is on trial `knarr_VERSION+LEFT-DONE.efi`:
 * before each start the loader takes one from LEFT and adds one to DONE; entries with LEFT 0 come last in its order.
 */
export interface BootEntry {
  readonly file: string;
  readonly version: string;
  /** Undefined: blessed. */
  readonly tries?: { readonly left: number; readonly done: number };
}

export function parseEntry(file: string): BootEntry | undefined {
  const match = /^knarr_([^_+]+?)(?:\+(\d+)(?:-(\d+))?)?\.efi$/i.exec(file);
  if (match === null) return undefined;
  const [, version = '', left, done = '0'] = match;
  return { file, version, ...(left === undefined ? {} : { tries: { left: Number(left), done: Number(done) } }) };
}

export const entryFile = (version: string, tries?: BootEntry['tries']): string =>
  `knarr_${version}${tries === undefined ? '' : `+${tries.left}-${tries.done}`}.efi`;

const exhausted = ({ tries }: BootEntry): boolean => tries?.left === 0;

/** In the order in which the boot loader takes them: the first is what starts next. */
export const bootOrder = (entries: readonly BootEntry[]): BootEntry[] =>
  entries.toSorted((a, b) => Number(exhausted(a)) - Number(exhausted(b)) || compareVersions(b.version, a.version));

/** The changes on a mounted EFI system partition, each written out before it resolves. */
export interface Entries {
  list(): Promise<BootEntry[]>;
  /** Puts a file there under a name that the boot loader does not see, then gives it its own. */
  place(version: string, tries: NonNullable<BootEntry['tries']>, data: AsyncIterable<Uint8Array>): Promise<string>;
  /** The name with other tries; undefined: blessed. What has that name already is left alone. */
  retry(entry: BootEntry, tries: BootEntry['tries']): Promise<void>;
  remove(entry: BootEntry): Promise<void>;
  /** Removes what an interrupted `place` left. */
  tidy(): Promise<void>;
  path(file: string): string;
}

const temporary = 'knarr-new.tmp';

export function entriesOn(esp: string): Entries {
  const folder = join(esp, entriesFolder);
  const path = (file: string): string => join(folder, file);
  const settle = (): Promise<void> => syncToDisk(folder);
  const list = async (): Promise<BootEntry[]> =>
    (await readdir(folder)).map(parseEntry).filter((entry) => entry !== undefined);
  return {
    path,
    list,
    async place(version, tries, data) {
      await rm(path(temporary), { force: true });
      const file = await open(path(temporary), 'wx', 0o700);
      try {
        for await (const chunk of data) await file.write(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await settle();
      const name = entryFile(version, tries);
      await rename(path(temporary), path(name));
      await settle();
      return path(name);
    },
    async retry(entry, tries) {
      const name = entryFile(entry.version, tries);
      if (name === entry.file) return;
      await rename(path(entry.file), path(name));
      await settle();
    },
    async remove(entry) {
      await rm(path(entry.file), { force: true });
      await settle();
    },
    async tidy() {
      await rm(path(temporary), { force: true });
    },
  };
}

/**
 * Which entries get which tries so that `target` is what starts next, on trial, and `running` is what starts when its
 * tries are used up. Where the loader would prefer the running one for its version, that one is marked as if its tries
 * were used up: it still starts when nothing better is there, and is blessed again when it is healthy.
 */
export function preferring(
  target: string,
  running: string,
  tries: number,
): { target: NonNullable<BootEntry['tries']>; running: BootEntry['tries'] } {
  const order = compareVersions(target, running);
  if (order === 0)
    throw new KnarrError({
      code: 'same-version',
      blame: 'user',
      message: `the boot loader cannot tell ${target} from ${running}, which runs: give one of them another version`,
    });
  return { target: { left: tries, done: 0 }, running: order > 0 ? undefined : { left: 0, done: 1 } };
}
