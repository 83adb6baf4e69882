import { check } from './phases/check.ts';
import { entry } from './phases/entry.ts';
import { label, unlabel } from './phases/labels.ts';
import { prefer } from './phases/prefer.ts';
import { readBack } from './phases/read-back.ts';
import { record } from './phases/record.ts';
import { retire } from './phases/retire.ts';
import { write } from './phases/write.ts';
import { faultPointsOf, type UpgradePhase } from './run.ts';

/**
 * From an update whose signature is good to a machine that will start it. The running version and its entry in the boot
 * loader are not touched before the last phase, and then only in their order.
 *
 *   check      it fits this machine, and there is room
 *   retire     the boot loader forgets what the other slot held
 *   unlabel    so does the partition table
 *   write      the other slot gets its new content, whose digest is taken on the way
 *   read-back  which is read again from the disk and compared
 *   label      the partition table names it
 *   record     what ran, and that a trial is pending, is remembered
 *   entry      the boot loader can start it, on trial
 *   prefer     and does so before the running one
 */
export const upgradePhases: readonly UpgradePhase[] = [
  check,
  retire,
  unlabel,
  write,
  readBack,
  label,
  record,
  entry,
  prefer,
];

export const faultPoints: readonly string[] = faultPointsOf(upgradePhases);
