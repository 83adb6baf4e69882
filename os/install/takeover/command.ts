import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { type Host, machine } from '../../../cloud-config/host.ts';
import { KnarrError, systemCode } from '../../../src/base/errors.ts';
import { leastDiskSize } from '../../disk/layout.ts';
import { fileOf, type UpdateArch } from '../../update/manifest.ts';
import { findDisk, sizeText } from '../disks.ts';
import { fetchConfig } from '../kept-config.ts';
import { tidy } from '../phases.ts';
import { parseRequest } from '../request.ts';
import { openInstallSource } from '../source.ts';
import { makeMemoryImage } from './memory-image.ts';

const refuse = (message: string): KnarrError => new KnarrError({ code: 'takeover', blame: 'user', message });

/** What must be kept in memory beside the root, which is there twice for a moment. */
const besideRoot = 640 * 2 ** 20;

/**
 * Replaces the Linux that runs here: its disk is written by a kernel that has everything in memory, started by kexec.
 * Up to the moment in which that one clears the disk, a reset brings the old system back.
 */
export async function takeover(args: readonly string[], host: Host = machine): Promise<number> {
  const say = (text: string): void => void process.stderr.write(`knarr install: ${text}\n`);
  const request = parseRequest(args);
  const { device, config, source: from } = request;
  if (device === undefined || config === undefined || from === undefined)
    throw refuse('a takeover needs --device, --config and --source: nothing of this system is kept');
  if (!request.force) throw refuse(`everything on ${device} will be lost, this system too: say --force`);
  if (process.getuid?.() !== 0) throw refuse('run it as root');
  if (!request.forceEfi && !existsSync('/sys/firmware/efi'))
    throw refuse('this machine was started by BIOS, and Knarr’s disk starts by UEFI: say --force-efi if it will be');
  const disk = await findDisk(host, device);
  if (disk === undefined || !(await stat(device)).isBlockDevice()) throw refuse(`${device} is no disk of this machine`);
  if (disk.size < leastDiskSize) throw refuse(`${device} has less than ${sizeText(leastDiskSize)}`);
  const kept = await fetchConfig(config, host);
  for (const warning of kept.warnings) say(`cloud-config: ${warning}`);

  const scratch = '/var/tmp/knarr-takeover';
  await tidy({ host, scratch });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  try {
    const arch: UpdateArch = process.arch === 'arm64' ? 'arm64' : 'amd64';
    const source = await openInstallSource({ host, arch, from, scratch: `${scratch}/source`, say });
    const memory = 2 * fileOf(source.manifest, 'root').size + besideRoot;
    if (totalmem() < memory)
      throw refuse(`${sizeText(memory)} of memory are needed, there are ${sizeText(totalmem())}`);
    const image = await makeMemoryImage({
      folder: scratch,
      source,
      config: kept.text,
      request: { ...request, device },
    });
    await host
      .run('kexec', ['--load', image.kernel, `--initrd=${image.initrd}`, `--command-line=${image.commandLine}`])
      .catch((error: unknown) => {
        throw systemCode((error as KnarrError).cause) === 'ENOENT' ? refuse('install the package kexec-tools') : error;
      });
    say(`Knarr ${source.manifest.version} takes over now; the console shows how far it is`);
  } finally {
    await tidy({ host, scratch });
  }
  await host.run('systemctl', ['kexec']);
  return 0;
}
