import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestName, signatureName, type UpdateArch } from '../update/manifest.ts';

/** The name by which firmware finds a boot loader on a disk that it has never seen. */
export const firmwareName = { amd64: 'BOOTX64.EFI', arm64: 'BOOTAA64.EFI' } as const;

/** Where the EFI system partition keeps the signed manifest of a version that is in a slot. */
export const manifestFolder = (version: string): string => `knarr/${version}`;

/** Fills the folder `into` with what the EFI system partition of a new disk holds. */
export async function makeEspTree(options: {
  into: string;
  arch: UpdateArch;
  version: string;
  /** Files: systemd-boot, and the slot's unified kernel image. */
  bootLoader: string;
  uki: string;
  /** By which a running machine can prove later what it runs. */
  signed?: { readonly bytes: Uint8Array; readonly signature: string } | undefined;
}): Promise<void> {
  const { into, arch, version, bootLoader, uki, signed } = options;
  for (const folder of ['EFI/BOOT', 'EFI/Linux', 'EFI/systemd', 'loader'])
    await mkdir(join(into, folder), { recursive: true });
  await copyFile(bootLoader, join(into, 'EFI/BOOT', firmwareName[arch]));
  await copyFile(uki, join(into, `EFI/Linux/knarr_${version}.efi`));
  await writeFile(join(into, 'loader/loader.conf'), 'timeout 0\n');
  if (signed === undefined) return;
  const folder = join(into, manifestFolder(version));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, manifestName), signed.bytes);
  await writeFile(join(folder, signatureName), signed.signature);
}
