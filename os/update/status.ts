import type { Host } from '../../cloud-config/host.ts';
import { type Outcome, type Pending, upgradeState } from '../../src/daemon/upgrade/state.ts';
import { type BootEntry, bootOrder } from '../boot/entries.ts';
import { withEntries } from '../boot/esp.ts';
import { readMachineDisk, type Slot } from '../disk/machine-disk.ts';
import { type DatastoreCopy, readCopy } from './datastore.ts';

export interface SlotStatus {
  readonly partition: number;
  readonly version: string | undefined;
  readonly running: boolean;
  readonly next: boolean;
  readonly state: 'kept' | 'on trial' | 'given up' | 'not startable' | 'empty';
  readonly tries: BootEntry['tries'] | undefined;
}

export interface MachineStatus {
  readonly slots: readonly SlotStatus[];
  readonly pending: Pending | undefined;
  readonly last: Outcome | undefined;
  readonly datastoreCopy: DatastoreCopy | undefined;
}

const stateOf = (slot: Slot, entry: BootEntry | undefined): SlotStatus['state'] => {
  if (slot.version === undefined) return 'empty';
  if (entry === undefined) return 'not startable';
  if (entry.tries === undefined) return 'kept';
  return entry.tries.left === 0 && entry.tries.done > 0 ? 'given up' : 'on trial';
};

/** What is in the slots, and what the boot loader thinks of it. */
export async function machineStatus(host: Host): Promise<MachineStatus> {
  const disk = await readMachineDisk(host);
  const entries = await withEntries(host, disk, 'read', (all) => all.list());
  const next = bootOrder(entries)[0];
  const state = upgradeState(host.path('/var/lib/knarr/upgrade'));
  const pending = await state.read('pending');
  const slots = [disk.running, disk.other].map((slot): SlotStatus => {
    const entry = entries.find(({ version }) => version === slot.version);
    const running = slot === disk.running;
    const judged = stateOf(slot, entry);
    return {
      partition: slot.partition.number,
      version: slot.version,
      running,
      next: entry !== undefined && entry === next,
      // its last try is the one that runs
      state: running && judged === 'given up' && pending?.to === slot.version ? 'on trial' : judged,
      tries: entry?.tries,
    };
  });
  return {
    slots: slots.toSorted((a, b) => a.partition - b.partition),
    pending,
    last: await state.read('outcome'),
    datastoreCopy: await readCopy(state),
  };
}

const time = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');

/** For people. */
export function renderStatus({ slots, pending, last, datastoreCopy }: MachineStatus): string {
  const rows = slots.map(({ partition, version, running, next, state, tries }) => [
    String(partition),
    version ?? '-',
    [running ? 'running' : '', next ? 'next' : ''].filter((word) => word !== '').join(', ') || '-',
    tries === undefined || state === 'kept' ? state : `${state}, ${tries.left} tries left`,
  ]);
  const table = [['SLOT', 'VERSION', 'ROLE', 'STATE'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)) + 3);
  const lines = table.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(''));
  if (pending !== undefined) lines.push('', `Pending: ${pending.from} -> ${pending.to} since ${time(pending.at)}`);
  if (last !== undefined) {
    const words = {
      kept: `${last.to} was kept`,
      returned: `${last.to} was not kept, the machine came back to ${last.from}`,
      interrupted: `the upgrade to ${last.to} was cut off`,
    };
    lines.push('', `Last: ${words[last.result]} (${time(last.at)})`);
    for (const reason of last.reasons) lines.push(`  ${reason}`);
    if (last.datastoreRestored) lines.push('  the datastore went back to its copy');
  }
  if (datastoreCopy !== undefined)
    lines.push('', `Copy of the datastore: of ${datastoreCopy.version}, ${time(datastoreCopy.at)}`);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
