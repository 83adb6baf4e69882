import type { CloudConfig } from './schema.ts';

type Value = string | Value[] | { [key: string]: Value };

/** Words of one command line: a flag may stand there twice, and the later role comes first in the place of the other. */
function joinWords(first: Value | undefined, second: Value): Value {
  if (!Array.isArray(first) || !Array.isArray(second)) return second;
  if (JSON.stringify(first) === JSON.stringify(second)) return first;
  const isRole = (word: Value | undefined): boolean => word === 'server' || word === 'agent';
  if (!isRole(second[0])) return [...first, ...second];
  return [...second.slice(0, 1), ...first.slice(isRole(first[0]) ? 1 : 0), ...second.slice(1)];
}

function mergeValues(first: Value | undefined, second: Value): Value {
  if (Array.isArray(first) && Array.isArray(second)) {
    const known = new Set(first.map((item) => JSON.stringify(item)));
    return [...first, ...second.filter((item) => !known.has(JSON.stringify(item)))];
  }
  if (isMap(first) && isMap(second)) {
    const merged: Record<string, Value> = { ...first };
    for (const [key, value] of Object.entries(second))
      merged[key] = key === 'k3s_args' ? joinWords(first[key], value) : mergeValues(first[key], value);
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
