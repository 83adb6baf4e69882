import { constants } from 'node:fs';
import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Host } from '../../cloud-config/host.ts';
import { KnarrError, messageOf, systemCode } from '../../src/base/errors.ts';
import { firmwareName, makeEspTree } from '../disk/esp-tree.ts';
import { changePartitions, readPartitions } from '../disk/gpt.ts';
import { partitionDefinitions, varLabel } from '../disk/layout.ts';
import { slotLabel } from '../disk/machine-disk.ts';
import { fileOf, type UpdateArch, verifyFile } from '../update/manifest.ts';
import { type Disk, findDisk } from './disks.ts';
import type { KeptConfig } from './kept-config.ts';
import type { InstallRequest } from './request.ts';
import { type InstallSource, openInstallSource } from './source.ts';

/** What the phases of an installation are given, and hand on. */
export interface Installation {
  readonly host: Host;
  readonly arch: UpdateArch;
  readonly request: InstallRequest & { readonly device: string };
  readonly config: KeptConfig;
  /** A folder of its own, with room for what must be fetched; emptied before and afterwards. */
  readonly scratch: string;
  /** The folder with the boot loader under its firmware name. */
  readonly efiFolder: string;
  readonly keyFolders?: readonly string[];
  say(text: string): void;
  source?: InstallSource;
  disk?: Disk;
}

export interface InstallPhase {
  readonly name: string;
  /** For people, while it goes on. */
  readonly title: string;
  run(installation: Installation): Promise<void>;
}

const refuse = (message: string): KnarrError => new KnarrError({ code: 'install-disk', blame: 'user', message });

const espOf = ({ scratch }: Installation): string => join(scratch, 'esp');
const varOf = ({ scratch }: Installation): string => join(scratch, 'var');
const definitionsOf = ({ scratch }: Installation): string => join(scratch, 'repart.d');

/** The disk and the source of an installation whose earlier phases have run. */
function found({ source, disk }: Installation): { source: InstallSource; disk: Disk } {
  if (source === undefined || disk === undefined)
    throw new KnarrError({ code: 'install-order', blame: 'bug', message: 'a phase ran before those that it needs' });
  return { source, disk };
}

async function checkDisk(installation: Installation): Promise<void> {
  const { host, request } = installation;
  const disk = await findDisk(host, request.device);
  if (disk === undefined) throw refuse(`${request.device} is no disk of this machine`);
  if (disk.unusable !== undefined) throw refuse(`${disk.path}: ${disk.unusable}`);
  if (request.keepVar) {
    const { partitions } = await readPartitions(host.path(disk.path));
    if (!partitions.some(({ label }) => label === varLabel))
      throw refuse(`${disk.path} has no partition ${varLabel} of an earlier installation to keep`);
    if (request.config !== undefined || request.tty !== undefined)
      installation.say('/var is kept, and the cloud-config in it: --config and --tty change nothing');
  } else if (disk.contents.length > 0 && !request.force)
    throw refuse(`${disk.path} is not empty (${disk.contents.join(', ')}): --force replaces all of it`);
  // what uses the disk in a way that no list shows
  const file = await open(host.path(disk.path), constants.O_RDWR | constants.O_EXCL).catch((error: unknown) => {
    throw refuse(
      systemCode(error) === 'EBUSY' ? `${disk.path} is in use` : `${disk.path} cannot be written: ${systemCode(error)}`,
    );
  });
  await file.close();
  installation.disk = disk;
}

async function prepare(installation: Installation): Promise<void> {
  const { host, arch, request, config, efiFolder } = installation;
  const { source } = found(installation);
  const { version, partition } = source.manifest;
  await makeEspTree({
    into: espOf(installation),
    arch,
    version,
    bootLoader: join(host.path(efiFolder), firmwareName[arch]),
    uki: source.uki,
    signed: source.signed,
  });
  const kept = join(varOf(installation), 'lib/rancher/k3os');
  await mkdir(join(kept, 'config.d'), { recursive: true });
  await writeFile(join(kept, 'config.yaml'), config.text, { mode: 0o600 });
  if (request.tty !== undefined)
    await writeFile(join(kept, 'config.d/10-console.yaml'), stringify({ k3os: { install: { tty: request.tty } } }));
  await mkdir(definitionsOf(installation));
  const layout = { arch, version, partition, root: source.root, esp: espOf(installation), var: varOf(installation) };
  for (const [name, text] of Object.entries(partitionDefinitions(layout)))
    await writeFile(join(definitionsOf(installation), name), text);
}

const zeros = Buffer.alloc(1 << 20);

/** From here on nothing of what was on the disk is started any more, until all of what is new is there. */
async function clear(installation: Installation): Promise<void> {
  const { host, request } = installation;
  const { disk } = found(installation);
  const path = host.path(disk.path);
  if (request.keepVar) {
    const { partitions } = await readPartitions(path);
    const others = partitions.filter(({ label }) => label !== varLabel);
    await changePartitions(path, new Map(others.map(({ number }) => [number, { remove: true }])));
  } else {
    const file = await open(path, 'r+');
    try {
      for (const offset of [0, disk.size - zeros.length]) await file.write(zeros, 0, zeros.length, offset);
      await file.sync();
    } finally {
      await file.close();
    }
  }
  // the kernel need not know, but then what it shows is right
  if ((await stat(path)).isBlockDevice()) await host.run('blockdev', ['--rereadpt', path], { okCodes: [0, 1] });
}

/** systemd-repart writes the contents first and the table of partitions last: only a whole installation is one. */
async function write(installation: Installation): Promise<void> {
  const { host, request, scratch } = installation;
  const { disk } = found(installation);
  const path = host.path(disk.path);
  const isFile = (await stat(path)).isFile();
  const { stderr } = await host.run(
    'systemd-repart',
    [
      request.keepVar ? '--empty=refuse' : '--empty=force',
      '--dry-run=no',
      '--no-pager',
      '--pretty=no',
      '--seed=random',
      `--definitions=${definitionsOf(installation)}`,
      ...(isFile ? ['--sector-size=512', '--offline=yes'] : []),
      path,
    ],
    { env: { ...process.env, TMPDIR: scratch, SYSTEMD_COLORS: '0' }, timeoutMs: 3_600_000 },
  );
  if (request.debug) installation.say(stderr.trim());
  await host.run('sync', []);
}

/** What the disk itself gives back is compared with what was signed. */
async function verify(installation: Installation): Promise<void> {
  const { host, scratch } = installation;
  const { disk, source } = found(installation);
  const path = host.path(disk.path);
  const { manifest } = source;
  const isDevice = (await stat(path)).isBlockDevice();
  if (isDevice) await host.run('blockdev', ['--flushbufs', path]);
  const { partitions, whole } = await readPartitions(path);
  const slot = partitions.find(({ label }) => label === slotLabel(manifest.version));
  const [esp] = partitions;
  if (!whole.primary || !whole.backup || slot?.uuid !== manifest.partition || esp === undefined)
    throw new KnarrError({
      code: 'install-verify',
      blame: 'world',
      message: `${disk.path}: the table of partitions is not what was written`,
    });
  await verifyFile(path, fileOf(manifest, 'root'), slot.start);
  const folder = join(scratch, 'check');
  await mkdir(folder);
  await host.run('mount', ['-t', 'vfat', '-o', `ro,loop,offset=${esp.start},sizelimit=${esp.size}`, path, folder]);
  try {
    await verifyFile(join(folder, `EFI/Linux/knarr_${manifest.version}.efi`), fileOf(manifest, 'uki'));
  } finally {
    await host.run('umount', [folder]);
  }
}

/** An installation, in order. Up to `clear` the disk is as it was; any phase may be the last, and all begins anew. */
export const installPhases: readonly InstallPhase[] = [
  {
    name: 'source',
    title: 'finding what is to be installed',
    async run(installation) {
      const { host, arch, request, scratch, keyFolders, say } = installation;
      installation.source = await openInstallSource({
        host,
        arch,
        from: request.source,
        scratch: join(scratch, 'source'),
        say,
        ...(keyFolders === undefined ? {} : { keyFolders }),
      });
    },
  },
  { name: 'check', title: 'looking at the disk', run: checkDisk },
  { name: 'prepare', title: 'preparing what is written', run: prepare },
  { name: 'clear', title: 'clearing the disk', run: clear },
  { name: 'write', title: 'writing partitions and their contents', run: write },
  { name: 'verify', title: 'reading back what was written', run: verify },
];

/** Called when a phase begins and when it has ended; a test lets the power fail there. */
export type AtPhase = (phase: string, moment: 'begin' | 'end') => Promise<void>;

/** Removes an installation's folder, and what an ISO image or a check of the disk left mounted in it. */
export async function tidy({ host, scratch }: Pick<Installation, 'host' | 'scratch'>): Promise<void> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  for (const name of ['check', 'source/iso'])
    if (mounts.includes(` ${join(scratch, name)} `)) await host.run('umount', [join(scratch, name)]);
  await rm(scratch, { recursive: true, force: true });
}

/** Goes through all phases. Throws what stopped it; a disk that was written wrongly is cleared again. */
export async function install(installation: Installation, at: AtPhase = async () => {}): Promise<InstallSource> {
  await tidy(installation);
  await mkdir(installation.scratch, { recursive: true, mode: 0o700 });
  try {
    for (const [index, phase] of installPhases.entries()) {
      installation.say(`[${index + 1}/${installPhases.length}] ${phase.title}`);
      await at(phase.name, 'begin');
      try {
        await phase.run(installation);
      } catch (error) {
        if (phase.name === 'verify')
          await clear(installation).catch((why) => installation.say(`the disk was not cleared: ${messageOf(why)}`));
        throw error;
      }
      await at(phase.name, 'end');
    }
  } finally {
    await tidy(installation);
  }
  return found(installation).source;
}
