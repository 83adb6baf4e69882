import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { systemCode } from '../../base/errors.ts';

/**
 * What a machine knows about its upgrades, beyond any one version:
 *
 *   /var/lib/knarr/upgrade
 *   ├── pending.json      another version is to be tried, or is on trial
 *   ├── tried.json        how many of its tries had begun
 *   ├── attempts.json     why its tries failed
 *   ├── outcome.json      how the last one ended
 *   ├── progress.json     what the tool that is at work says
 *   ├── daemon.json       where the daemon that ran last keeps its state
 *   ├── workloads.json    what ran before, and must run again
 *   └── datastore/        state.db and copy.json: the copy made before the new version first opened the datastore
 *
 *                  ┌── blessed by the health gate ──▶ outcome 'kept'
 *   pending ── tries ──┤
 *                  └── tries used up: the old version runs ──▶ outcome 'returned'
 */
export const upgradeFolder = '/var/lib/knarr/upgrade';

/** Who asked for an upgrade through the cluster. */
export interface PlanRequest {
  readonly plan: string;
  /** The plan's hash, which the node is labelled with in the end. */
  readonly hash: string;
}

export interface Pending {
  /** Tells one upgrade from the next. */
  readonly id: string;
  readonly kind: 'upgrade' | 'rollback' | 'daemon';
  readonly from: string;
  readonly to: string;
  readonly tries: number;
  /** How long the health gate waits at each try. */
  readonly deadlineSeconds: number;
  readonly source: string;
  readonly request?: PlanRequest;
  /** A way back over a change of the datastore's form: the copy made for `to` takes its place. */
  readonly restoreDatastore?: boolean;
  /** Seconds since 1970. */
  readonly at: number;
}

export interface Attempt {
  readonly id: string;
  readonly at: number;
  readonly reasons: readonly string[];
}

export interface Tried {
  readonly id: string;
  readonly begun: number;
}

export interface Outcome {
  readonly id: string;
  readonly kind: Pending['kind'];
  readonly result: 'kept' | 'returned' | 'interrupted';
  readonly from: string;
  readonly to: string;
  readonly at: number;
  /** Why the new version was not kept. */
  readonly reasons: readonly string[];
  /** True when the datastore went back to its copy. */
  readonly datastoreRestored: boolean;
  readonly request?: PlanRequest;
}

export interface Progress {
  readonly at: number;
  readonly text: string;
  readonly request?: PlanRequest;
  /** The tool has given up: why. */
  readonly failed?: string;
  /** In which boot, and as which process, the tool is at work. */
  readonly boot?: string;
  readonly pid?: number;
}

/** A workload that had ready pods on this machine. */
export interface RecordedWorkload {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** The pods of it that were ready here. */
  readonly ready: number;
}

export interface DaemonFacts {
  /** `--data-dir`. */
  readonly dataDir: string;
}

interface Files {
  daemon: DaemonFacts;
  pending: Pending;
  tried: Tried;
  attempts: readonly Attempt[];
  outcome: Outcome;
  progress: Progress;
  workloads: readonly RecordedWorkload[];
}

export interface UpgradeState {
  /** Undefined when there is none, or none that can be read. */
  read<Name extends keyof Files>(name: Name): Promise<Files[Name] | undefined>;
  write<Name extends keyof Files>(name: Name, value: Files[Name]): Promise<void>;
  remove(name: keyof Files): Promise<void>;
  readonly folder: string;
}

export const upgradeState = (folder: string = upgradeFolder): UpgradeState => ({
  folder,
  async read(name) {
    try {
      return JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'));
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw error;
    }
  },
  write: (name, value) => writeFileAtomic(join(folder, `${name}.json`), `${JSON.stringify(value)}\n`, { mode: 0o600 }),
  remove: (name) => rm(join(folder, `${name}.json`), { force: true }),
});
