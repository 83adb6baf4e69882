import { join } from 'node:path';
import { raspberryStage } from '../stages/raspberry.ts';
import { diskOf } from './disks.ts';
import type { Target } from './target.ts';

/** One SD card for Raspberry Pi 3, 4 and 5: the firmware's own loader starts U-Boot, which starts systemd-boot. */
export const rpi: Target = {
  summary: 'an SD card for Raspberry Pi 3, 4 and 5',
  flavour: 'metal',
  arches: ['arm64'],
  without: ['flavour'],
  async make(parts) {
    const { beside } = parts.fetched;
    const files = { firmware: beside('raspi-firmware'), uBoot: beside('u-boot-rpi'), kernel: parts.kernel };
    const firmware = await parts.stage(raspberryStage(files));
    return [{ from: join(await diskOf(parts, firmware), 'disk.raw'), name: '.raw', compress: true }];
  },
};
