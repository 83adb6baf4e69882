import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { KnarrError } from '../src/base/errors.ts';
import { type RunOptions, run } from '../src/base/run.ts';
import type { Arch } from './tools/paths.ts';

/** One version of a Debian package, as the archive has it. */
export interface DebianPackage {
  name: string;
  version: string;
  architecture: string;
  sha256: string;
  size: number;
}

export const packageKey = (p: Pick<DebianPackage, 'name' | 'version'>): string => `${p.name}=${p.version}`;

/** An apt with folders of its own, for any architecture, that knows nothing of this machine's packages. */
export interface Apt {
  update(): Promise<void>;
  /** All that must be unpacked so that `roots` (names, or `name=version`) work on an empty machine. */
  closure(roots: readonly string[]): Promise<DebianPackage[]>;
  /** The newest (or, by `name=version`, that) version of exactly these packages; without what the archive lacks. */
  show(names: readonly string[]): Promise<DebianPackage[]>;
  /** Where `download` puts the files of these packages. */
  files(packages: readonly DebianPackage[]): string[];
  /** True when all these files are there, whole. */
  cached(packages: readonly DebianPackage[]): Promise<boolean>;
  /** The package files, verified by digest, in the order given. */
  download(packages: readonly DebianPackage[], say?: (detail: string) => void): Promise<string[]>;
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** The stanzas of `apt-cache show`. */
export function parseStanzas(text: string): DebianPackage[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
    const [name, version, architecture] = [field('Package'), field('Version'), field('Architecture')];
    return name === '' || field('SHA256') === ''
      ? []
      : [{ name, version, architecture, sha256: field('SHA256'), size: Number(field('Size')) }];
  });
}

/**
 * `folder` holds apt's lists and `store` the downloaded packages; `sources` are lines of sources.list; packages named
 * in `provided` count as installed, so that a closure leaves them out.
 */
export function createApt(options: {
  folder: string;
  store: string;
  sources: readonly string[];
  arch: Arch;
  provided?: readonly string[];
}): Apt {
  const { folder, store, sources, arch, provided = [] } = options;
  const settings: Record<string, string> = {
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'APT::Architecture': arch,
    'APT::Architectures::': arch,
    'APT::Install-Recommends': 'false',
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': 'root',
    'Acquire::Retries': '3',
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const apt = async (program: string, args: readonly string[], options: RunOptions = {}): Promise<string> =>
    (await run(program, [...flags, ...args], { timeoutMs: 900_000, ...options })).stdout;
  const prepare = async (): Promise<void> => {
    for (const path of ['state/lists/partial', 'cache/archives/partial'])
      await mkdir(join(folder, path), { recursive: true });
    await mkdir(store, { recursive: true });
    await writeFile(join(folder, 'sources.list'), `${sources.join('\n')}\n`);
    const status = provided.map(
      (name) =>
        `Package: ${name}\nStatus: install ok installed\nVersion: 9999\nArchitecture: ${arch}\nMulti-Arch: foreign\nMaintainer: none\nDescription: not wanted\n`,
    );
    await writeFile(join(folder, 'status'), status.join('\n'));
  };
  const show = async (names: readonly string[]): Promise<DebianPackage[]> => {
    if (names.length === 0) return [];
    // 100: one of them is not there; the others are printed all the same
    const found = parseStanzas(await apt('apt-cache', ['show', '--no-all-versions', ...names], { okCodes: [0, 100] }));
    return [...new Map(found.map((p) => [packageKey(p), p])).values()];
  };
  const fileOf = (p: DebianPackage): string =>
    join(store, `${p.name}_${p.version.replaceAll(':', '%3a')}_${p.architecture}.deb`);
  const lacking = async (wanted: readonly DebianPackage[]): Promise<DebianPackage[]> => {
    const sizes = await Promise.all(wanted.map(async (p) => (await stat(fileOf(p)).catch(() => undefined))?.size));
    return wanted.filter((p, index) => sizes[index] !== p.size);
  };
  return {
    files: (wanted) => wanted.map(fileOf),
    cached: async (wanted) => (await lacking(wanted)).length === 0,
    async update() {
      await prepare();
      await apt('apt-get', ['update', '-qq', '--error-on=any']);
    },
    async closure(roots) {
      const plan = await apt('apt-get', ['install', '-qq', '-y', '--allow-downgrades', '--print-uris', ...roots]);
      const names = plan.split('\n').flatMap((line) => {
        const match = /^'[^']+' ([^_]+)_([^_]+)_/.exec(line);
        return match?.[1] && match[2] ? [`${match[1]}=${decodeURIComponent(match[2])}`] : [];
      });
      return (await show(names)).sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    show,
    async download(packages, say = () => {}) {
      const missing = await lacking(packages);
      if (missing.length > 0) {
        const megabytes = Math.round(missing.reduce((sum, p) => sum + p.size, 0) / 1e6);
        say(`${missing.length} packages, ${megabytes} MB`);
        const incoming = join(store, `incoming-${process.pid}`);
        await mkdir(incoming, { recursive: true });
        try {
          await apt('apt-get', ['download', '-qq', ...missing.map(packageKey)], { cwd: incoming });
          const files = new Map((await readdir(incoming)).map((file) => [file.split('_')[0] ?? '', file]));
          for (const p of missing) {
            const file = join(incoming, files.get(p.name) ?? `${p.name} is missing`);
            const digest = await sha256OfFile(file);
            if (digest !== p.sha256)
              throw new KnarrError({
                code: 'package-digest',
                blame: 'world',
                message: `${basename(file)} has digest ${digest}, not ${p.sha256}: the archive or the way to it is not to be trusted`,
              });
            await rm(fileOf(p), { force: true });
            await link(file, fileOf(p));
          }
        } finally {
          await rm(incoming, { recursive: true, force: true });
        }
      }
      return packages.map(fileOf);
    },
  };
}
