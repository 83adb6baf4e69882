import { daemon } from './targets/daemon.ts';
import { iso } from './targets/iso.ts';
import { metal } from './targets/metal.ts';
import { pxe } from './targets/pxe.ts';
import { rootfs } from './targets/rootfs.ts';
import { rpi } from './targets/rpi.ts';
import type { Target } from './targets/target.ts';
import { update } from './targets/update.ts';
import { vm } from './targets/vm.ts';

/** Every kind of image that can be built. A target is a column of stages; see `images/targets/`. */
export const targets: Readonly<Record<string, Target>> = { vm, metal, iso, pxe, rpi, rootfs, update, daemon };
