import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Host } from '../../cloud-config/host.ts';
import { splitCommandLine } from '../../cloud-config/kernel-arguments.ts';
import { KnarrError, messageOf } from '../../src/base/errors.ts';
import { entriesOn } from '../boot/entries.ts';
import { withEsp } from '../boot/esp.ts';
import { manifestFolder } from '../disk/esp-tree.ts';
import { readMachineDisk } from '../disk/machine-disk.ts';
import {
  type FileRole,
  fileOf,
  manifestName,
  readUpdateKeys,
  signatureName,
  type UpdateArch,
  type UpdateManifest,
  verifyFile,
  verifyManifest,
} from '../update/manifest.ts';
import { type OpenedUpdate, openUpdate } from '../update/opened.ts';
import { download } from '../update/sources/http.ts';

/** What is installed: a signed update whose two files have been checked and lie where programs can read them. */
export interface InstallSource {
  readonly from: string;
  readonly manifest: UpdateManifest;
  readonly signed: OpenedUpdate['signed'];
  /** The file or partition that begins with the root. */
  readonly root: string;
  readonly uki: string;
}

export interface SourceOptions {
  host: Host;
  arch: UpdateArch;
  /** As `knarr upgrade` takes it. Undefined: what this machine was started from. */
  from?: string | undefined;
  /** An empty folder with room for what must be fetched. */
  scratch: string;
  keyFolders?: readonly string[];
  say(text: string): void;
}

/** Where the boot medium is mounted, if there is one. */
const medium = '/run/knarr/medium/knarr';

async function rootUrl(host: Host): Promise<string | undefined> {
  const line = await readFile(host.path('/proc/cmdline'), 'utf8').catch(() => '');
  return splitCommandLine(line)
    .find((word) => /^root=https?:/.test(word))
    ?.slice('root='.length);
}

async function fetched(update: OpenedUpdate, role: FileRole, options: SourceOptions): Promise<string> {
  const path = join(options.scratch, fileOf(update.manifest, role).name);
  options.say(`fetching ${fileOf(update.manifest, role).name} from ${update.from}`);
  await pipeline(Readable.from(update.open(role)), createWriteStream(path, { mode: 0o600 }));
  return path;
}

/** An update from anywhere; files that lie in a folder already, or in `have`, are used where they are. */
async function fromUpdate(from: string, options: SourceOptions, have?: string): Promise<InstallSource> {
  const { host, arch, scratch, keyFolders } = options;
  const local = host.path(from.replace(/^file:\/\//, ''));
  const folder = (await stat(local).catch(() => undefined))?.isDirectory() ? local : undefined;
  const update = await openUpdate(folder ?? from, { arch, scratch, ...(keyFolders ? { keyFolders } : {}) });
  try {
    const at = async (role: FileRole): Promise<string> => {
      const { name } = fileOf(update.manifest, role);
      const there = [have, folder].map((place) => (place === undefined ? '' : join(place, name))).find(existsSync);
      return there ?? fetched(update, role, options);
    };
    return {
      from: update.from,
      manifest: update.manifest,
      signed: update.signed,
      root: await at('root'),
      uki: await at('uki'),
    };
  } finally {
    await update.close();
  }
}

/** What runs here: the slot's partition, and what the EFI system partition keeps of it. */
async function fromRunning({ host, scratch, keyFolders }: SourceOptions): Promise<InstallSource> {
  const disk = await readMachineDisk(host).catch((cause: unknown) => {
    throw new KnarrError({
      code: 'install-source',
      blame: 'user',
      message: `there is nothing here to install: name an update with --source (${messageOf(cause)})`,
      cause,
    });
  });
  const version = disk.running.version ?? '';
  const uki = join(scratch, 'knarr.efi');
  const signed = await withEsp(host, disk, 'read', async (mounted) => {
    const entries = entriesOn(mounted);
    const entry = (await entries.list()).find((one) => one.version === version);
    if (entry === undefined)
      throw new KnarrError({
        code: 'install-source',
        blame: 'world',
        message: `the EFI system partition has no entry of ${version}, which runs; name another source with --source`,
      });
    await host.run('cp', [entries.path(entry.file), uki]);
    const folder = join(mounted, manifestFolder(version));
    const [bytes, signature] = await Promise.all([
      readFile(join(folder, manifestName)),
      readFile(join(folder, signatureName), 'utf8'),
    ]).catch((cause: unknown) => {
      throw new KnarrError({
        code: 'install-source',
        blame: 'user',
        message: `the signed manifest of ${version}, which runs, is not on the EFI system partition: name the update to install with --source`,
        cause,
      });
    });
    return { bytes, signature };
  });
  const { manifest } = verifyManifest(signed.bytes, signed.signature, await readUpdateKeys(keyFolders));
  return { from: `the running ${version}`, manifest, signed, root: disk.running.device, uki };
}

/** An ISO image, as k3OS's iso_url names one: fetched where it must be, and mounted until the installer ends. */
async function fromIso(from: string, options: SourceOptions): Promise<InstallSource> {
  const { host, scratch, say } = options;
  let image = host.path(from.replace(/^file:\/\//, ''));
  if (/^https?:/.test(from)) {
    image = join(scratch, 'image.iso');
    say(`fetching ${from}`);
    await pipeline(Readable.from(download(from)), createWriteStream(image, { mode: 0o600 }));
  }
  const folder = join(scratch, 'iso');
  await mkdir(folder);
  await host.run('mount', ['-o', 'ro,loop', image, folder]);
  return fromUpdate(join(folder, 'knarr'), { ...options, host: { ...host, path: (path) => path } });
}

async function unchecked(options: SourceOptions): Promise<InstallSource> {
  const { host, from } = options;
  if (from !== undefined) return /\.iso$/.test(from) ? fromIso(from, options) : fromUpdate(from, options);
  if (existsSync(host.path(join(medium, manifestName)))) return fromUpdate(medium, options);
  const url = await rootUrl(host);
  // what the machine was started from over the network is in its memory already
  if (url !== undefined) return fromUpdate(new URL('.', url).href, options, host.path(medium));
  return fromRunning(options);
}

/**
 * Finds what is to be installed and checks its signature, architecture, and the digests of its files. Throws KnarrError
 * for whatever is not as it was signed.
 */
export async function openInstallSource(options: SourceOptions): Promise<InstallSource> {
  await mkdir(options.scratch, { recursive: true, mode: 0o700 });
  const source = await unchecked(options);
  const { manifest } = source;
  if (manifest.arch !== options.arch)
    throw new KnarrError({
      code: 'install-source',
      blame: 'user',
      message: `${source.from} is for ${manifest.arch}, and this machine is ${options.arch}`,
    });
  options.say(`checking Knarr ${manifest.version} from ${source.from}`);
  await verifyFile(source.root, fileOf(manifest, 'root'));
  await verifyFile(source.uki, fileOf(manifest, 'uki'));
  return source;
}
