import type { CloudConfig, WriteFile } from './schema.ts';

/** A setting whose value differs, and what it takes to bring a running machine there. */
export interface Change {
  /** As in `knarr config diff`: `hostname`, `k3os.sysctls`. */
  readonly key: string;
  /** `boot`: only the next boot brings it about. */
  readonly effect: 'now' | 'boot';
  /** Keys of the appliers that bring it about. */
  readonly appliers: readonly string[];
  /** Units that read it when they start; none of them touches a pod. */
  readonly restarts: readonly string[];
}

interface Rule {
  readonly effect: Change['effect'];
  /** Where they are not called like the setting. */
  readonly appliers?: readonly string[];
  readonly restarts?: readonly string[];
  /** What has been taken away is undone as well; without it, that waits for the next boot. */
  readonly undoes?: true;
  /** Only a first value takes effect at once. */
  readonly once?: true;
  /** What tells the items of a list apart. */
  readonly by?: string;
}

const daemon = ['knarr.service'];
const daemonAndRuntime = ['containerd.service', 'knarr.service'];

/** How each setting comes into effect on a running machine. What stands not here waits for the next boot. */
const rules: Readonly<Record<string, Rule>> = {
  ssh_authorized_keys: { effect: 'now', undoes: true },
  users: { effect: 'now', appliers: ['users', 'ssh_authorized_keys'], by: 'name' },
  write_files: { effect: 'now', by: 'path' },
  timezone: { effect: 'now' },
  network: { effect: 'now', undoes: true },
  proxy: { effect: 'now', appliers: ['k3os.environment'], restarts: daemonAndRuntime },
  ca_certs: { effect: 'now', appliers: ['ca_certs', 'k3os.environment'], restarts: daemonAndRuntime },
  registries: { effect: 'now', restarts: daemon },
  swap: { effect: 'now', once: true },
  mounts: { effect: 'now', once: true, by: 'path' },
  'k3os.sysctls': { effect: 'now' },
  'k3os.modules': { effect: 'now' },
  'k3os.dns_nameservers': { effect: 'now', undoes: true },
  'k3os.ntp_servers': { effect: 'now', undoes: true },
  'k3os.wifi': { effect: 'now', by: 'name' },
  'k3os.password': { effect: 'now' },
  'k3os.token': { effect: 'now', appliers: ['k3os'], restarts: daemon, undoes: true },
  'k3os.labels': { effect: 'now', appliers: ['k3os'], restarts: daemon, undoes: true },
  'k3os.taints': { effect: 'now', appliers: ['k3os'], restarts: daemon, undoes: true },
  'k3os.k3s_args': { effect: 'now', appliers: ['k3os'], restarts: daemon, undoes: true },
  'k3os.environment': { effect: 'now', restarts: daemonAndRuntime },
};

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** True when something of `before` is not there any more; another value in its place is there. */
function lost(before: unknown, after: unknown, by?: string): boolean {
  if (before === undefined) return false;
  if (after === undefined) return true;
  if (Array.isArray(before)) {
    if (!Array.isArray(after)) return true;
    const name = (item: unknown): string =>
      JSON.stringify(by === undefined ? item : (item as Record<string, unknown>)[by]);
    const there = new Set(after.map(name));
    return before.some((item) => !there.has(name(item)));
  }
  return isMap(before) && isMap(after) && Object.keys(before).some((key) => lost(before[key], after[key]));
}

/** True when an item that was there has another value now. */
function altered(before: unknown, after: unknown, by?: string): boolean {
  if (by === undefined || !Array.isArray(before) || !Array.isArray(after)) return before !== undefined;
  const known = new Map(before.map((item) => [(item as Record<string, unknown>)[by], item]));
  return after.some((item) => {
    const was = known.get((item as Record<string, unknown>)[by]);
    return was !== undefined && !same(was, item);
  });
}

/** The daemon reads these when it starts. */
const daemonFiles = /^\/etc\/rancher\/(k3s|node)\//;

function filesThatDiffer(
  { write_files: before = [] }: CloudConfig,
  { write_files: after = [] }: CloudConfig,
): WriteFile[] {
  const missing = (from: readonly WriteFile[], others: readonly WriteFile[]): WriteFile[] =>
    from.filter((file) => !others.some((other) => same(other, file)));
  return [...missing(before, after), ...missing(after, before)];
}

/** The value of a setting. */
export function settingOf(config: CloudConfig, key: string): unknown {
  const [first = '', second] = key.split('.');
  const value = (config as Record<string, unknown>)[first];
  return second === undefined ? value : isMap(value) ? value[second] : undefined;
}

/** The configuration with another value of a setting. */
export function withSetting(config: CloudConfig, key: string, value: unknown): CloudConfig {
  const [first = '', second] = key.split('.');
  const set = (map: Record<string, unknown>, name: string, to: unknown): Record<string, unknown> => {
    const { [name]: _, ...others } = map;
    return to === undefined ? others : { ...others, [name]: to };
  };
  const all = config as Record<string, unknown>;
  if (second === undefined) return set(all, first, value) as CloudConfig;
  return set(all, first, set(isMap(all[first]) ? all[first] : {}, second, value)) as CloudConfig;
}

const keysOf = (config: CloudConfig): string[] =>
  Object.entries(config).flatMap(([key, value]) =>
    key === 'k3os' && isMap(value) ? Object.keys(value).map((name) => `k3os.${name}`) : [key],
  );

/** All settings that differ. */
export function changesBetween(before: CloudConfig, after: CloudConfig): Change[] {
  const keys = [...new Set([...keysOf(before), ...keysOf(after)])];
  return keys.flatMap((key): Change[] => {
    const was = settingOf(before, key);
    const is = settingOf(after, key);
    if (same(was, is)) return [];
    const rule: Rule = rules[key] ?? { effect: 'boot' };
    const waits = (!rule.undoes && lost(was, is, rule.by)) || (rule.once && altered(was, is, rule.by));
    const read = key === 'write_files' && filesThatDiffer(before, after).some(({ path }) => daemonFiles.test(path));
    return [
      {
        key,
        effect: waits ? 'boot' : rule.effect,
        appliers: rule.appliers ?? [key],
        restarts: rule.restarts ?? (read ? daemon : []),
      },
    ];
  });
}
