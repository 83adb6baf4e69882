import assert from 'node:assert/strict';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { inputsOf } from '../../build.ts';
import { makeDemoImage } from '../../images/machine/demo-image.ts';
import { buildParts, type Parts, packageVersion } from '../../images/parts.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { daemonUpdateStage } from '../../images/stages/daemon-update.ts';
import { slotStage } from '../../images/stages/slot.ts';
import { ukiStage } from '../../images/stages/uki.ts';
import { updateStage } from '../../images/stages/update.ts';
import { runInTools } from '../../images/tools/chroot.ts';
import { hostArch } from '../../images/tools/paths.ts';
import { run } from '../../src/base/run.ts';

/** The second build that tests upgrade to: the same but for its version. */
export async function secondBuild(): Promise<Parts> {
  const version = `${await packageVersion()}.1`;
  const options = { arch: hostArch, compression: 'fast', addImages: [await makeDemoImage()], version } as const;
  return buildParts(await inputsOf(options), 'vm', createProgress(process.stderr));
}

export interface Update {
  readonly version: string;
  readonly folder: string;
}

/** How an update differs from the build that it is made of. */
export interface Variant {
  /** A part of its version. */
  readonly name: string;
  /** More of its kernel's command line. */
  readonly words: string;
  /** Its daemon gives the datastore another form. */
  readonly migrates?: boolean;
}

/** An update with the root of `parts` under another version: the ways to go wrong. */
export async function variant(parts: Parts, { name, words, migrates = false }: Variant): Promise<Update> {
  const { inputs, flavour, kernel, initrd, efi, signer } = parts;
  const version = `${inputs.version}-${name}`;
  const slot = migrates ? await migratingSlot(parts) : parts.slot;
  const common = { arch: inputs.arch, flavour, version, slot };
  const uki = await parts.stage(
    ukiStage({
      ...common,
      name: `uki-${name}`,
      ...{ kernel, initrd, efi },
      root: `PARTLABEL=knarr_${version}`,
      entries: [{ id: 'main', title: '', words }],
      secureBoot: undefined,
    }),
  );
  const folder = await parts.stage(updateStage({ ...common, kubernetes: 'v1.36.3', builtAt: 0, uki, signer }));
  return { version, folder };
}

/**
 * The same root with a daemon that knows a newer form of the datastore, to which it brings the one that it finds. To older
 * programs it is of a version that they do not know.
 */
async function migratingSlot({ inputs, system, stage }: Parts): Promise<string> {
  const program = 'usr/lib/knarr/sqlite-worker.js';
  const form = /\bschemaVersion=(\d+)/g;
  const migrating = await stage({
    name: `system-migrating-${inputs.arch}`,
    source: import.meta.filename,
    inputs: [basename(system)],
    async make(into) {
      // the same files, but for one
      await run('cp', ['-al', join(system, 'root'), into]);
      const path = join(into, 'root', program);
      const text = await readFile(path, 'utf8');
      assert.equal(text.match(form)?.length, 1, `${program} has no one place that says which form it knows`);
      await rm(path);
      await writeFile(
        path,
        text.replace(form, (_, known) => `schemaVersion=${Number(known) + 1}`),
        { mode: 0o644 },
      );
    },
  });
  const { arch, compression } = inputs;
  return stage(slotStage({ arch, system: migrating, compression }));
}

/** An update of the daemon alone: the one of `parts`, or one that is a program of a few lines. */
export async function daemonUpdate(parts: Parts, version: string, program?: string): Promise<string> {
  const { inputs, signer } = parts;
  let { bundle } = parts;
  if (program !== undefined)
    bundle = await parts.stage({
      name: 'small-daemon',
      source: import.meta.filename,
      inputs: program,
      make: (into) => writeFile(join(into, 'knarr.mjs'), `#!/usr/lib/knarr/node\n${program}\n`, { mode: 0o755 }),
    });
  const common = { arch: inputs.arch, version, kubernetes: 'v1.36.3', builtAt: 0 };
  return parts.stage(daemonUpdateStage({ ...common, bundle, signer }));
}

/**
 * A disk that only is read, with folders by name in it: what they have in common (a root of some hundred megabytes) lies
 * there once. In the machine `mountUpdates` makes it /run/updates.
 */
export async function updatesDisk(folders: Readonly<Record<string, string>>, into: string): Promise<string> {
  const tree = join(into, 'updates');
  const file = join(into, 'updates.erofs');
  await rm(tree, { recursive: true, force: true });
  for (const [name, folder] of Object.entries(folders)) {
    await mkdir(join(tree, name), { recursive: true });
    for (const part of await readdir(folder)) await link(join(folder, part), join(tree, name, part));
  }
  await runInTools('mkfs.erofs', ['--quiet', file, tree]);
  await rm(tree, { recursive: true });
  return file;
}

/** The shell command by which a machine finds that disk. */
export const mountUpdates =
  'sudo mkdir -p /run/updates; for d in /dev/vd?; do sudo mount -t erofs -o ro $d /run/updates 2>/dev/null && break; done; ls /run/updates';
