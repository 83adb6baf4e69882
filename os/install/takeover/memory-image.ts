import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cpioArchive } from '../../../src/wire/cpio.ts';
import { fileOf, manifestName, signatureName } from '../../update/manifest.ts';
import type { InstallRequest } from '../request.ts';
import type { InstallSource } from '../source.ts';
import { sectionOf, ukiSections } from './uki-sections.ts';

/** A kernel that installs this machine from its memory alone: what kexec, or a virtual machine, starts. */
export interface MemoryImage {
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
}

/** Where the initial RAM disk finds what came along (images/initrd/find-root), and where that is seen later. */
const cameAlong = 'came-along';
const seenAt = '/run/knarr/medium/knarr';
const configName = 'config.yaml';

/** The kernel's words: those of the slot, whose root is in memory, and what the installer shall do. */
export function takeoverWords(ukiWords: string, request: InstallRequest & { device: string }): string {
  const own = ukiWords
    .replaceAll('\0', '')
    .trim()
    .split(/\s+/)
    .map((word) => (word.startsWith('root=') ? 'root=memory' : word));
  return [
    ...own.filter((word) => !/^(knarr|k3os)\.mode=/.test(word)),
    'knarr.mode=install',
    'k3os.install.silent',
    'k3os.install.force',
    // the firmware was looked at before: it may not be seen from a kernel that another one has started
    'k3os.install.force_efi',
    `k3os.install.device=${request.device}`,
    `k3os.install.config_url=${seenAt}/${configName}`,
    ...(request.keepVar ? ['k3os.install.no_format'] : []),
    ...(request.tty === undefined ? [] : [`k3os.install.tty=${request.tty}`]),
    ...(request.afterwards === 'power-off' ? ['k3os.install.power_off'] : []),
    ...(request.debug ? ['k3os.install.debug'] : []),
  ].join(' ');
}

/** Makes one in `folder`: the slot's kernel, and its initial RAM disk with the update and the configuration behind it. */
export async function makeMemoryImage(options: {
  folder: string;
  source: InstallSource;
  config: string;
  request: InstallRequest & { device: string };
}): Promise<MemoryImage> {
  const { folder, source, config, request } = options;
  const { manifest, signed } = source;
  const uki = await readFile(source.uki);
  const sections = ukiSections(uki);
  const [directory, file] = [0o040700, 0o100600];
  const root = fileOf(manifest, 'root');
  const partition = await open(source.root, 'r');
  const rootBytes = Buffer.alloc(root.size);
  await partition.read(rootBytes, 0, root.size, 0);
  await partition.close();
  const along = cpioArchive([
    { name: cameAlong, mode: directory, content: Buffer.alloc(0) },
    ...(
      [
        [manifestName, signed.bytes],
        [signatureName, Buffer.from(signed.signature)],
        [configName, Buffer.from(config)],
        [root.name, rootBytes],
        [fileOf(manifest, 'uki').name, uki],
      ] as const
    ).map(([name, content]) => ({ name: `${cameAlong}/${name}`, mode: file, content })),
  ]);
  const [kernel, initrd] = [join(folder, 'kernel'), join(folder, 'initrd')];
  await writeFile(kernel, sectionOf(sections, '.linux'), { mode: 0o600 });
  const first = sectionOf(sections, '.initrd');
  const out = await open(initrd, 'w', 0o600);
  try {
    const padding = Buffer.alloc((4 - (first.length % 4)) % 4);
    for (const part of [sections.get('.ucode') ?? Buffer.alloc(0), first, padding, ...along])
      if (part.length > 0) await out.writeFile(part);
    await out.sync();
  } finally {
    await out.close();
  }
  return { kernel, initrd, commandLine: takeoverWords(sectionOf(sections, '.cmdline').toString(), request) };
}
