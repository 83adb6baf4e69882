import { copyFile, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Stage } from '../stage.ts';
import { run } from '../tools/patient-run.ts';

/** Of the firmware's many builds the ordinary ones: Raspberry Pi 3 and 4. A Pi 5 has its own in its EEPROM. */
const files = ['bootcode.bin', 'start.elf', 'fixup.dat', 'start4.elf', 'fixup4.dat'];

/** U-Boot of each board, which starts the boot loader as UEFI firmware does. */
const loaders = { pi3: 'rpi_3', pi4: 'rpi_4', pi5: 'rpi_arm64' } as const;

const config = `# Read by the firmware of the board: it starts U-Boot, which starts systemd-boot.
arm_64bit=1
enable_uart=1
upstream_kernel=1
disable_overscan=1
${Object.keys(loaders)
  .map((board) => `\n[${board}]\nkernel=u-boot-${board}.bin\n`)
  .join('')}
[all]
`;

/** What a Raspberry Pi starts from, to be put beside the boot loader: firmware, U-Boot, device trees, `config.txt`. */
export function raspberryStage(options: { firmware: string; uBoot: string; kernel: string }): Stage {
  const { firmware, uBoot, kernel } = options;
  return {
    name: 'raspberry',
    source: import.meta.filename,
    inputs: [firmware, uBoot, kernel].map((path) => basename(path)),
    async make(into) {
      const from = join(into, 'packages');
      await mkdir(from);
      for (const deb of [firmware, uBoot]) await run('dpkg-deb', ['-x', deb, from]);
      for (const name of files) await copyFile(join(from, 'usr/lib/raspi-firmware', name), join(into, name));
      for (const [board, name] of Object.entries(loaders))
        await copyFile(join(from, 'usr/lib/u-boot', name, 'u-boot.bin'), join(into, `u-boot-${board}.bin`));
      await rm(from, { recursive: true });
      await cp(join(kernel, 'device-trees/broadcom'), into, { recursive: true });
      await writeFile(join(into, 'config.txt'), config);
    },
  };
}
