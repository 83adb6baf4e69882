import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inputsOf } from '../../build.ts';
import { makeDemoImage } from '../../images/machine/demo-image.ts';
import { buildParts } from '../../images/parts.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { iso } from '../../images/targets/iso.ts';
import { hostArch } from '../../images/tools/paths.ts';
import { manifestName, parseManifest, type UpdateManifest } from '../../os/update/manifest.ts';

/** The ISO with the kernel of virtual machines, which the other tests have built already, and what it installs. */
export async function testIsoParts(): Promise<{
  iso: string;
  manifest: UpdateManifest;
  /** The folder of the update that is on it, and the key that it is signed with. */
  update: string;
  publicKey: string;
}> {
  const options = { arch: hostArch, compression: 'fast', addImages: [await makeDemoImage()] } as const;
  const parts = await buildParts(await inputsOf(options), 'vm', createProgress(process.stderr));
  const [file] = await iso.make(parts, []);
  if (file === undefined) throw new Error('the target iso made no file');
  const manifest = parseManifest(await readFile(join(parts.update, manifestName)));
  return { iso: file.from, manifest, update: parts.update, publicKey: parts.signer.publicKey };
}

export const testIso = async (): Promise<string> => (await testIsoParts()).iso;
