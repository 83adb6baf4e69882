import type { Host } from '../../cloud-config/host.ts';
import type { PlanRequest, UpgradeState } from '../../src/daemon/upgrade/state.ts';
import type { MachineDisk } from '../disk/machine-disk.ts';
import type { Release } from '../release.ts';
import type { Reach } from './fault.ts';
import type { OpenedUpdate } from './opened.ts';

/** What the phases of one upgrade work with. */
export interface UpgradeRun {
  readonly host: Host;
  readonly state: UpgradeState;
  readonly release: Release;
  readonly update: OpenedUpdate;
  /** Read anew after its labels changed. */
  disk: MachineDisk;
  readonly options: UpgradeOptions;
  readonly say: (text: string) => void;
  /** Called at each moment that a test may want to interrupt. */
  readonly reach: Reach;
  /** Remembers what runs on this node, for the health gate. */
  readonly recordWorkloads: () => Promise<void>;
}

export interface UpgradeOptions {
  /** How often the new version may start before the old one is taken again. */
  readonly tries: number;
  readonly deadlineSeconds: number;
  /** Takes another flavour, and goes on where nothing would lead back. */
  readonly force: boolean;
  readonly request?: PlanRequest;
}

/** A step of an upgrade: it may be interrupted at any moment, and gone through again from the first one. */
export interface UpgradePhase {
  readonly name: string;
  /** Moments in its midst that a test can cut the power at. */
  readonly midst?: readonly string[];
  run(upgrade: UpgradeRun): Promise<void>;
}

/** Goes through the phases in their order; the first that throws ends it. */
export async function runUpgrade(phases: readonly UpgradePhase[], upgrade: UpgradeRun): Promise<void> {
  for (const phase of phases) {
    await upgrade.reach(phase.name);
    await phase.run(upgrade);
  }
}

/** Every moment that a test can cut the power at. */
export const faultPointsOf = (phases: readonly UpgradePhase[]): string[] =>
  phases.flatMap(({ name, midst = [] }) => [name, ...midst]);
