import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../src/base/atomic-file.ts';
import { type Apt, createApt, type DebianPackage, packageKey } from './apt.ts';
import { besidePackages, kernelPackage, packages, unwanted } from './packages.ts';
import { type Arch, cache, clone } from './tools/paths.ts';
import { archiveLines, release } from './tools/tree.ts';

/** Every Debian package of an image, with its digest: `images/lock/<arch>.json`. */
export interface Lock {
  /** What goes into the root, the kernel among it. */
  root: DebianPackage[];
  /** What is used beside it. */
  beside: DebianPackage[];
}

const lockPath = (arch: Arch): string => join(clone, 'images/lock', `${arch}.json`);

async function openApt(arch: Arch): Promise<Apt> {
  const apt = createApt({
    folder: join(cache, `apt-${release}-${arch}`),
    store: join(cache, 'debs'),
    sources: await archiveLines(release),
    arch,
    provided: unwanted,
  });
  await apt.update();
  return apt;
}

async function resolveNewest(apt: Apt, arch: Arch): Promise<Lock> {
  const roots = [...Object.values(packages).flat(), kernelPackage(arch)];
  return { root: await apt.closure(roots), beside: await apt.show(besidePackages) };
}

/** One package a line, so that a change of the lock reads as what changed. */
function render(lock: Lock): string {
  const lines = (list: DebianPackage[]): string => list.map((p) => `    ${JSON.stringify(p)}`).join(',\n');
  return `{\n  "root": [\n${lines(lock.root)}\n  ],\n  "beside": [\n${lines(lock.beside)}\n  ]\n}\n`;
}

export async function readLock(arch: Arch): Promise<Lock> {
  return JSON.parse(await readFile(lockPath(arch), 'utf8'));
}

/** Locks what the archive has now; gives the names whose version changed. */
export async function updateLock(arch: Arch): Promise<string[]> {
  const old = await readLock(arch).catch((): Lock => ({ root: [], beside: [] }));
  const lock = await resolveNewest(await openApt(arch), arch);
  await writeFileAtomic(lockPath(arch), render(lock));
  return changes(old, lock);
}

function changes(from: Lock, to: Lock): string[] {
  const old = new Map([...from.root, ...from.beside].map((p) => [p.name, p.version]));
  return [...to.root, ...to.beside].flatMap((p) =>
    old.get(p.name) === p.version ? [] : [`${p.name} ${old.get(p.name) ?? '—'} → ${p.version}`],
  );
}

/**
 * The packages to build from and their files. The archive keeps only a package's newest version: where it has dropped
 * a locked one, the newest of all is taken instead, and `warn` says so, for a build that is not what the lock says but
 * works is better than none.
 */
export async function fetchLocked(
  arch: Arch,
  options: { say: (detail: string) => void; warn: (text: string) => void },
): Promise<{ lock: Lock; files: { root: string[]; beside: string[] } }> {
  const { say, warn } = options;
  const locked = await readLock(arch);
  const offline = createApt({ folder: cache, store: join(cache, 'debs'), sources: [], arch });
  const cached = await offline.cached([...locked.root, ...locked.beside]);
  if (cached) {
    say('from the cache');
    return { lock: locked, files: { root: offline.files(locked.root), beside: offline.files(locked.beside) } };
  }
  say('asking the archive');
  const apt = await openApt(arch);
  const all = [...locked.root, ...locked.beside];
  const there = new Set((await apt.show(all.map(packageKey))).map((p) => `${packageKey(p)} ${p.sha256}`));
  const gone = all.filter((p) => !there.has(`${packageKey(p)} ${p.sha256}`));
  const lock = gone.length === 0 ? locked : await resolveNewest(apt, arch);
  if (gone.length > 0)
    warn(
      [
        `the archive no longer has ${gone.length} of the ${all.length} packages that images/lock/${arch}.json names;`,
        'this image is built from the newest ones instead (npm run image -- lock writes them down):',
        ...changes(locked, lock).map((line) => `  ${line}`),
      ].join('\n'),
    );
  return {
    lock,
    files: { root: await apt.download(lock.root, say), beside: await apt.download(lock.beside, say) },
  };
}
