import { KnarrError } from '../base/errors.ts';

/** What one `--…-arg` flag can set, by the upstream component's own flag names. */
export interface ArgumentTable<T extends object> {
  /** `kubelet-arg`, without dashes. */
  readonly flag: string;
  readonly known: Readonly<Record<string, (value: string, so: Partial<T>) => Partial<T>>>;
  /** Why some that people do use are not taken. */
  readonly refused?: Readonly<Record<string, string>>;
}

export const refuseArgument = (flag: string, name: string, why: string): KnarrError =>
  new KnarrError({ code: 'invalid-setting', blame: 'user', message: `--${flag}=${name} is not supported: ${why}` });

/** Refused for every component. */
const everywhere: Readonly<Record<string, string>> = {
  'feature-gates': 'there are no feature gates; features are as the defaults of Kubernetes 1.36 have them',
  v: 'the log has one level for all parts; use --debug',
  vmodule: 'the log has one level for all parts; use --debug',
  config: 'component configuration files are not read; give single arguments',
  kubeconfig: 'the parts of the daemon have their own way to the API',
  profiling: 'use node --inspect',
};

/** `flag=value` pairs for a component; `--` in front is allowed; a flag without a value is `true`. */
export function parseComponentArguments(pairs: readonly string[]): Map<string, string> {
  return new Map(
    pairs.map((pair) => {
      const text = pair.replace(/^--/, '');
      const equals = text.indexOf('=');
      return equals < 0 ? [text, 'true'] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** Throws KnarrError for an argument that is not in the table. */
export function applyArguments<T extends object>(
  table: ArgumentTable<T>,
  args: ReadonlyMap<string, string>,
): Partial<T> {
  const names = Object.keys(table.known).join(', ');
  let settings: Partial<T> = {};
  for (const [name, value] of args) {
    const set = Object.hasOwn(table.known, name) ? table.known[name] : undefined;
    if (set === undefined)
      throw refuseArgument(
        table.flag,
        name,
        table.refused?.[name] ?? everywhere[name] ?? (names === '' ? 'it takes none' : `known are ${names}`),
      );
    settings = { ...settings, ...set(value, settings) };
  }
  return settings;
}
