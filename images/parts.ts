import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../src/base/run.ts';
import { type FetchedPackages, fetchLocked } from './lock.ts';
import type { Flavour } from './packages.ts';
import type { SecureBootKeys } from './secure-boot.ts';
import type { Progress } from './setup/progress.ts';
import { runStage, type Stage } from './stage.ts';
import { baseStage } from './stages/base.ts';
import { bundleStage } from './stages/bundle.ts';
import { efiStage } from './stages/efi.ts';
import { initrdStage } from './stages/initrd.ts';
import { kernelStage } from './stages/kernel.ts';
import { nodeStage, nodeVersion } from './stages/node.ts';
import { type Compression, slotStage } from './stages/slot.ts';
import { type Additions, systemStage } from './stages/system.ts';
import { diskEntries, ukiStage } from './stages/uki.ts';
import { updateStage } from './stages/update.ts';
import { type Arch, clone } from './tools/paths.ts';
import { type UpdateSigner, updateSigner } from './update-key.ts';

/** Everything that decides what an image is, but for its target. */
export interface ImageInputs {
  arch: Arch;
  version: string;
  compression: Compression;
  additions: Additions;
  /** More Debian packages. */
  packages: readonly string[];
  /** Path of the key that updates are signed with; without one, the user's own. */
  signKey: string | undefined;
  secureBoot: SecureBootKeys | undefined;
}

/** What every target is put together of: folders of stages, by the stage. */
export interface Parts {
  inputs: ImageInputs;
  flavour: Flavour;
  fetched: FetchedPackages;
  nodeVersion: string;
  signer: UpdateSigner;
  kubernetes: string;
  /** Seconds since 1970. */
  builtAt: number;
  base: string;
  kernel: string;
  initrd: string;
  efi: string;
  bundle: string;
  system: string;
  slot: string;
  uki: string;
  update: string;
  /** Runs a further stage. */
  stage(stage: Stage): Promise<string>;
  /** Makes an initrd that has drivers of every network card. */
  networkInitrd(): Promise<string>;
}

/** The time that images are dated with: `SOURCE_DATE_EPOCH`, else that of the commit, else none. */
async function buildTime(): Promise<number> {
  const given = Number(process.env.SOURCE_DATE_EPOCH ?? Number.NaN);
  if (Number.isSafeInteger(given) && given >= 0) return given;
  const { stdout } = await run('git', ['-C', clone, 'log', '-1', '--format=%ct']).catch(() => ({ stdout: '' }));
  return Number(stdout.trim()) || 0;
}

export async function packageVersion(): Promise<string> {
  return (JSON.parse(await readFile(join(clone, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Builds what all targets of a flavour have in common; `runner` runs the stages, `runStage` unless a test wants more. */
export async function buildParts(
  inputs: ImageInputs,
  flavour: Flavour,
  progress: Progress,
  runner: typeof runStage = runStage,
): Promise<Parts> {
  const { arch, version, compression, additions, secureBoot } = inputs;
  const fetched = await progress.stage(`packages-${arch}`, (say) =>
    fetchLocked(arch, { flavour, extra: inputs.packages, say, note: progress.note }),
  );
  const signer = await updateSigner(inputs.signKey);
  const stage = (one: Stage): Promise<string> => runner(one, progress);

  const base = await stage(baseStage({ arch, fetched: fetched.root, extra: fetched.extra }));
  const kernel = await stage(kernelStage({ arch, flavour, fetched: fetched.flavour }));
  const debs = ['busybox-static', 'dmsetup', 'libdevmapper1.02.1'].map(fetched.beside);
  const initrdOf = (network: boolean): Promise<string> =>
    stage(initrdStage({ arch, flavour, base, kernel, debs, network }));
  const initrd = await initrdOf(false);
  const efi = await stage(efiStage(arch, fetched.beside('systemd-boot-efi'), secureBoot));
  const node = await nodeVersion(arch);
  const bundle = await stage(bundleStage(arch));
  const updateKey = signer.publicKey;
  const nodeFolder = await stage(nodeStage(arch, node));
  const system = await stage(
    systemStage({ arch, flavour, version, base, kernel, node: nodeFolder, bundle, efi, updateKey, additions }),
  );
  const slot = await stage(slotStage({ arch, system, compression }));
  const root = `PARTLABEL=knarr_${version}`;
  const common = { arch, flavour, version, slot };
  const uki = await stage(
    ukiStage({ ...common, name: `uki-${flavour}`, kernel, initrd, efi, root, entries: diskEntries, secureBoot }),
  );
  const kubernetes = `v${await packageVersion()}`;
  const builtAt = await buildTime();
  const update = await stage(updateStage({ ...common, kubernetes, builtAt, uki, signer }));
  return {
    ...{ inputs, flavour, fetched, nodeVersion: node, signer, kubernetes, builtAt },
    ...{ base, kernel, initrd, efi, bundle, system, slot, uki, update, stage },
    networkInitrd: () => initrdOf(true),
  };
}
