import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Flavour } from '../packages.ts';
import { type SecureBootKeys, signEfi } from '../secure-boot.ts';
import type { Stage } from '../stage.ts';
import { runInTools } from '../tools/chroot.ts';
import type { Arch } from '../tools/paths.ts';
import { efiName } from './efi.ts';
import type { RootFacts } from './slot.ts';

const serial = { amd64: 'ttyS0', arm64: 'ttyAMA0' } as const;

/** An entry of the boot menu: its name, and what it adds to the kernel's command line. */
export interface Entry {
  id: string;
  title: string;
  words: string;
}

/**
 * What an installed machine can be started as. One entry alone: in the name of an image on trial systemd-boot 257 counts
 * tries, and takes the name of the entry from it; two entries of one image then have the same name, and the last one starts.
 */
export const diskEntries: readonly Entry[] = [{ id: 'main', title: '', words: '' }];

/** What the ISO can be started as. */
export const isoEntries: readonly Entry[] = [
  { id: 'live', title: 'live', words: 'knarr.mode=live' },
  { id: 'install', title: 'install', words: 'knarr.mode=install' },
  { id: 'rescue', title: 'rescue an installed machine', words: 'knarr.mode=rescue' },
];

/**
 * The kernel's command line. `root`: `PARTLABEL=…`, `LABEL=…` of a volume, or a URL (images/initrd/find-root). The last
 * console is the one that the machine's own messages go to: a virtual machine's serial line, a real one's screen.
 */
export function commandLine(options: { arch: Arch; flavour: Flavour; root: string; facts: RootFacts }): string {
  const { arch, flavour, root, facts } = options;
  const consoles = [`console=tty0`, `console=${serial[arch]}`];
  if (flavour === 'metal') consoles.reverse();
  return [
    `root=${root}`,
    `roothash=${facts.rootHash}`,
    `knarr.blocks=${facts.blocks}`,
    ...consoles,
    'quiet',
    'panic=10',
    // the kernel takes the other table where a power cut left half of the first
    'gpt',
    'systemd.show_status=auto',
  ].join(' ');
}

export const readFacts = async (slot: string): Promise<RootFacts> =>
  JSON.parse(await readFile(join(slot, 'root.json'), 'utf8')) as RootFacts;

/**
 * A unified kernel image, `knarr.efi`, with an entry of the boot menu for each of `entries`, and `cmdline` of the first
 * beside it for those who boot the kernel directly.
 */
export function ukiStage(options: {
  name: string;
  arch: Arch;
  flavour: Flavour;
  version: string;
  kernel: string;
  initrd: string;
  efi: string;
  slot: string;
  root: string;
  entries: readonly Entry[];
  secureBoot: SecureBootKeys | undefined;
}): Stage {
  const { name, arch, flavour, version, kernel, initrd, efi, slot, root, entries, secureBoot } = options;
  return {
    name: `${name}-${arch}`,
    source: import.meta.filename,
    inputs: [version, root, entries, ...[kernel, initrd, efi, slot].map((path) => basename(path)), secureBoot?.digest],
    async make(into) {
      const line = commandLine({ arch, flavour, root, facts: await readFacts(slot) });
      const [first] = entries;
      const full = (entry: Entry | undefined): string => `${line} ${entry?.words ?? ''}`.trim();
      await writeFile(join(into, 'cmdline'), full(first));
      const release = join(into, 'os-release');
      await writeFile(
        release,
        `ID=knarr\nNAME=Knarr\nPRETTY_NAME="Knarr ${version}"\nVERSION_ID="${version}"\nVERSION="${version}"\n`,
      );
      const stub = (kind: 'linux' | 'addon'): string => `--stub=${join(efi, `${kind}${efiName[arch]}.efi.stub`)}`;
      const profile = ({ id, title }: Entry): string => `--profile=ID=${id}${title === '' ? '' : `\nTITLE=${title}`}`;
      const more: string[] = [];
      for (const entry of entries.slice(1)) {
        const path = join(into, `${entry.id}.profile`);
        await runInTools('ukify', [
          'build',
          stub('addon'),
          profile(entry),
          `--cmdline=${full(entry)}`,
          `--output=${path}`,
        ]);
        more.push(path);
      }
      const early = join(kernel, 'microcode.cpio');
      const output = join(into, 'knarr.efi');
      await runInTools('ukify', [
        'build',
        stub('linux'),
        `--linux=${join(kernel, 'kernel')}`,
        ...(existsSync(early) ? [`--microcode=${early}`] : []),
        `--initrd=${join(initrd, 'initrd')}`,
        `--cmdline=@${join(into, 'cmdline')}`,
        `--os-release=@${release}`,
        `--uname=${version}`,
        ...(first === undefined ? [] : [profile(first)]),
        ...more.map((path) => `--join-profile=${path}`),
        `--output=${output}`,
      ]);
      if (secureBoot !== undefined) await signEfi(output, secureBoot);
      for (const path of more) await rm(path);
    },
  };
}
