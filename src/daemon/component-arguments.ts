import { KnarrError } from '../base/errors.ts';
import { featureGateNotices } from './feature-gates.ts';

/** Takes the last value that was given, where the settings stand, and all values. */
export type Setter<T> = (value: string, so: Partial<T>, all: readonly string[]) => Partial<T>;

/** What one `--…-arg` flag can set, by the upstream component's own flag names. */
export interface ArgumentTable<T extends object> {
  /** `kubelet-arg`, without dashes. */
  readonly flag: string;
  readonly known: Readonly<Record<string, Setter<T>>>;
  /** Taken without effect, for it makes no difference: why. Undefined by the value: there is nothing to tell. */
  readonly indifferent?: Readonly<Record<string, string | ((value: string) => string | undefined)>>;
  /** Why some that people do use are not taken: silence would let them believe what is not so. */
  readonly refused?: Readonly<Record<string, string>>;
}

/** Every argument of one component with all its values, in order. */
export type ComponentArguments = ReadonlyMap<string, readonly string[]>;

export interface AppliedArguments<T> {
  readonly settings: Partial<T>;
  /** One sentence for each argument that was taken without effect. */
  readonly notices: readonly string[];
}

export const refuseArgument = (flag: string, name: string, why: string): KnarrError =>
  new KnarrError({ code: 'invalid-setting', blame: 'user', message: `--${flag}=${name} is not supported: ${why}` });

const oneLog = 'the log has one form and one level for all parts; use --debug';

/** For every component. */
const indifferentEverywhere: Readonly<Record<string, string>> = {
  v: oneLog,
  vmodule: oneLog,
  'logging-format': oneLog,
  'log-flush-frequency': oneLog,
  'log-json-info-buffer-size': oneLog,
  'log-json-split-stream': oneLog,
  'log-text-info-buffer-size': oneLog,
  'log-text-split-stream': oneLog,
  logtostderr: oneLog,
  alsologtostderr: oneLog,
  stderrthreshold: oneLog,
  profiling: 'no profile is served; use node --inspect',
  'contention-profiling': 'no profile is served; use node --inspect',
  'show-hidden-metrics-for-version': 'no metric is hidden',
  'disabled-metrics': 'metrics are cheap here',
  'allow-metric-labels': 'the labels of metrics are fixed',
  'allow-metric-labels-manifest': 'the labels of metrics are fixed',
  'emulated-version': 'the version is 1.36',
  'min-compatibility-version': 'the version is 1.36',
  'emulation-forward-compatible': 'the version is 1.36',
};

const refusedEverywhere: Readonly<Record<string, string>> = {
  config: 'component configuration files are not read; give single arguments',
  kubeconfig: 'the parts of the daemon have their own way to the API',
};

/** `flag=value` pairs for a component; `--` in front is allowed; a flag without a value is `true`. */
export function parseComponentArguments(pairs: readonly string[]): ComponentArguments {
  const all = new Map<string, string[]>();
  for (const pair of pairs) {
    const text = pair.replace(/^--/, '');
    const equals = text.indexOf('=');
    const [name, value] = equals < 0 ? [text, 'true'] : [text.slice(0, equals), text.slice(equals + 1)];
    const values = all.get(name);
    if (values) values.push(value);
    else all.set(name, [value]);
  }
  return all;
}

const own = <T>(table: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;

/** Throws KnarrError for an argument that is not in the table. */
export function applyArguments<T extends object>(
  table: ArgumentTable<T>,
  args: ComponentArguments,
): AppliedArguments<T> {
  let settings: Partial<T> = {};
  const notices: string[] = [];
  for (const [name, values] of args) {
    if (name === 'feature-gates') {
      notices.push(...featureGateNotices(table.flag, values));
      continue;
    }
    const set = own(table.known, name);
    const value = values.at(-1) ?? '';
    if (set !== undefined) {
      settings = { ...settings, ...set(value, settings, values) };
      continue;
    }
    const why = own(table.indifferent, name) ?? own(indifferentEverywhere, name);
    if (why !== undefined) {
      const reason = typeof why === 'string' ? why : why(value);
      if (reason !== undefined) notices.push(`--${table.flag}=${name} has no effect: ${reason}`);
    } else
      throw refuseArgument(
        table.flag,
        name,
        own(table.refused, name) ??
          own(refusedEverywhere, name) ??
          `it is not known here; these are: ${Object.keys(table.known).sort().join(', ')}`,
      );
  }
  return { settings, notices };
}
