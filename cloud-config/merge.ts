import type { CloudConfig } from './schema.ts';

type Value = string | Value[] | { [key: string]: Value };

function mergeValues(first: Value | undefined, second: Value): Value {
  if (Array.isArray(first) && Array.isArray(second)) {
    const known = new Set(first.map((item) => JSON.stringify(item)));
    return [...first, ...second.filter((item) => !known.has(JSON.stringify(item)))];
  }
  if (isMap(first) && isMap(second)) {
    const merged: Record<string, Value> = { ...first };
    for (const [key, value] of Object.entries(second)) merged[key] = mergeValues(first[key], value);
    return merged;
  }
  return second;
}

const isMap = (value: Value | undefined): value is { [key: string]: Value } =>
  typeof value === 'object' && !Array.isArray(value);

/** One configuration of several, weakest first: maps are merged, lists are joined, of texts the last one counts. */
export function mergeConfigs(configs: readonly CloudConfig[]): CloudConfig {
  return configs.reduce<Value>((merged, config) => mergeValues(merged, config as unknown as Value), {}) as CloudConfig;
}
