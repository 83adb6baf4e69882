import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../src/base/atomic-file.ts';
import { KnarrError, messageOf } from '../src/base/errors.ts';
import { type Apt, createApt, type DebianPackage, packageKey } from './apt.ts';
import { besidePackages, type Flavour, flavourPackages, flavours, packages, unwanted } from './packages.ts';
import { withBuildLock } from './tools/build-lock.ts';
import { type Arch, cache, clone } from './tools/paths.ts';
import { archiveLines, release } from './tools/tree.ts';

/** Every Debian package of an image, with its digest: `images/lock/<arch>.json`. */
export interface Lock {
  /** What goes into every root. */
  root: DebianPackage[];
  /** What a flavour adds to it: the kernel, firmware. */
  vm: DebianPackage[];
  metal: DebianPackage[];
  /** What is used beside it. */
  beside: DebianPackage[];
}
type Group = keyof Lock;
const groups: readonly Group[] = ['root', ...flavours, 'beside'];
const allOf = (lock: Lock): DebianPackage[] => groups.flatMap((group) => lock[group]);
const noPackages = (): Lock => ({ root: [], vm: [], metal: [], beside: [] });

const lockPath = (arch: Arch): string => join(clone, 'images/lock', `${arch}.json`);

/** Its folder, which it shares with nobody while it works. */
const aptOf = (arch: Arch): string => `apt-${release}-${arch}`;

async function openApt(arch: Arch): Promise<Apt> {
  const apt = createApt({
    folder: join(cache, aptOf(arch)),
    store: join(cache, 'debs'),
    sources: await archiveLines(release),
    arch,
    provided: unwanted,
  });
  await apt.update();
  return apt;
}

const common = Object.values(packages).flat();

/** What `names` bring beside what `lock.root` has. */
async function addition(apt: Apt, root: readonly DebianPackage[], names: readonly string[]): Promise<DebianPackage[]> {
  const known = new Set(root.map((p) => p.name));
  return (await apt.closure([...common, ...names])).filter((p) => !known.has(p.name));
}

/** What apt says of packages that somebody asked for, without how it was called. */
export function refuseExtra(error: unknown): never {
  const said = messageOf(error).match(/(?<=\bE: ).+/g);
  if (said === null) throw error;
  throw new KnarrError({ code: 'usage', blame: 'user', message: `--package: ${said.join('; ')}` });
}

async function resolveNewest(apt: Apt, arch: Arch): Promise<Lock> {
  const root = await apt.closure(common);
  const of = (flavour: Flavour): Promise<DebianPackage[]> => addition(apt, root, flavourPackages[flavour](arch));
  return { root, vm: await of('vm'), metal: await of('metal'), beside: await apt.show(besidePackages[arch]) };
}

/** One package a line, so that a change of the lock reads as what changed. */
function render(lock: Lock): string {
  const lines = (list: DebianPackage[]): string => list.map((p) => `    ${JSON.stringify(p)}`).join(',\n');
  return `{\n${groups.map((group) => `  "${group}": [\n${lines(lock[group])}\n  ]`).join(',\n')}\n}\n`;
}

async function readLock(arch: Arch): Promise<Lock> {
  return { ...noPackages(), ...(JSON.parse(await readFile(lockPath(arch), 'utf8')) as Partial<Lock>) };
}

/** Locks what the archive has now; gives the names whose version changed. */
export async function updateLock(arch: Arch, note: (text: string) => void): Promise<string[]> {
  const old = await readLock(arch).catch(noPackages);
  const lock = await withBuildLock(aptOf(arch), note, async () => resolveNewest(await openApt(arch), arch));
  await writeFileAtomic(lockPath(arch), render(lock));
  return changes(old, lock);
}

function changes(from: Lock, to: Lock): string[] {
  const old = new Map(allOf(from).map((p) => [p.name, p.version]));
  return allOf(to).flatMap((p) =>
    old.get(p.name) === p.version ? [] : [`${p.name} ${old.get(p.name) ?? '—'} → ${p.version}`],
  );
}

/** Packages with the path of each one's file. */
export interface Fetched {
  packages: DebianPackage[];
  files: string[];
}

export interface FetchedPackages {
  /** What is unpacked for every image. */
  root: Fetched;
  /** What the flavour adds. */
  flavour: Fetched;
  /** What the user adds. */
  extra: Fetched;
  /** The file of one of the packages that are used beside the root. */
  beside(name: string): string;
  besidePackages: DebianPackage[];
}

/**
 * The packages to build from and their files; `extra` are more packages for the root, of which no lock says anything.
 * The archive keeps only a package's newest version: where it has dropped a locked one, the newest of all is taken
 * instead, and `note` says so, for a build that is not what the lock says but works is better than none.
 */
export async function fetchLocked(
  arch: Arch,
  options: {
    flavour: Flavour;
    extra: readonly string[];
    say: (detail: string) => void;
    note: (text: string) => void;
  },
): Promise<FetchedPackages> {
  const { flavour, extra, say, note } = options;
  const locked = await readLock(arch);
  const wanted = (lock: Lock): DebianPackage[] => [...lock.root, ...lock[flavour], ...lock.beside];
  const fetched = (apt: Apt, lock: Lock, more: DebianPackage[]): FetchedPackages => {
    const of = (packages: DebianPackage[]): Fetched => ({ packages, files: apt.files(packages) });
    const beside = of(lock.beside);
    return {
      root: of(lock.root),
      flavour: of(lock[flavour]),
      extra: of(more),
      beside: (name) => beside.files[lock.beside.findIndex((p) => p.name === name)] ?? name,
      besidePackages: lock.beside,
    };
  };
  return withBuildLock(aptOf(arch), note, async () => {
    const offline = createApt({ folder: cache, store: join(cache, 'debs'), sources: [], arch });
    if (extra.length === 0 && (await offline.cached(wanted(locked)))) {
      say('from the cache');
      return fetched(offline, locked, []);
    }
    say('asking the archive');
    const apt = await openApt(arch);
    const all = wanted(locked);
    const there = new Set((await apt.show(all.map(packageKey))).map((p) => `${packageKey(p)} ${p.sha256}`));
    const gone = all.filter((p) => !there.has(`${packageKey(p)} ${p.sha256}`));
    const lock = gone.length === 0 ? locked : await resolveNewest(apt, arch);
    if (gone.length > 0)
      note(
        [
          `the archive no longer has ${gone.length} of the ${all.length} packages that images/lock/${arch}.json names;`,
          'this image is built from the newest ones instead (npm run image -- lock writes them down):',
          ...changes(locked, lock).map((line) => `  ${line}`),
        ].join('\n'),
      );
    const more =
      extra.length === 0 ? [] : await addition(apt, [...lock.root, ...lock[flavour]], extra).catch(refuseExtra);
    await apt.download([...wanted(lock), ...more], say);
    return fetched(apt, lock, more);
  });
}
