import type { Admission, AdmissionAttributes } from '../registry/types.ts';
import type { AdmissionPlugin } from './plugin.ts';

interface Chosen {
  readonly mutating: readonly AdmissionPlugin[];
  readonly validating: readonly AdmissionPlugin[];
}

/** The plug-ins as one; which of them care about an operation on a resource is worked out once. */
export function createAdmissionChain(plugins: readonly AdmissionPlugin[]): Admission {
  const chosen = new Map<string, Chosen>();
  const choose = (attributes: AdmissionAttributes): Chosen => {
    const { operation, group, resource, subresource } = attributes;
    const place = subresource ? `${group}/${resource}/${subresource}` : `${group}/${resource}`;
    const key = `${operation} ${place}`;
    let found = chosen.get(key);
    if (!found) {
      const caring = plugins.filter(
        (plugin) =>
          plugin.operations.includes(operation) && (plugin.resources === undefined || plugin.resources.includes(place)),
      );
      found = { mutating: caring.filter((p) => p.mutate), validating: caring.filter((p) => p.validate) };
      if (chosen.size > 10_000) chosen.clear();
      chosen.set(key, found);
    }
    return found;
  };
  return {
    mutate(attributes) {
      const { mutating } = choose(attributes);
      let changed = false;
      for (let i = 0; i < mutating.length; i++) {
        const result = mutating[i]?.mutate?.(attributes);
        if (result instanceof Promise) return finishMutating(mutating, i + 1, attributes, changed, result);
        if (result) changed = true;
      }
      return attributes.rounds?.another ? secondRound(mutating, attributes) : changed;
    },
    validate(attributes) {
      const { validating } = choose(attributes);
      for (let i = 0; i < validating.length; i++) {
        const result = validating[i]?.validate?.(attributes);
        if (result instanceof Promise) return finishValidating(validating, i + 1, attributes, result);
      }
      return undefined;
    },
  };
}

async function finishMutating(
  plugins: readonly AdmissionPlugin[],
  from: number,
  attributes: AdmissionAttributes,
  changedBefore: boolean,
  waiting: Promise<boolean>,
): Promise<boolean> {
  let changed = (await waiting) || changedBefore;
  for (const plugin of plugins.slice(from)) if (await plugin.mutate?.(attributes)) changed = true;
  return attributes.rounds?.another ? secondRound(plugins, attributes) : changed;
}

/** What hooks have added is looked at by all plug-ins, as if it had come with the request. */
async function secondRound(plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes): Promise<boolean> {
  if (attributes.rounds) attributes.rounds.isSecond = true;
  for (const plugin of plugins) await plugin.mutate?.(attributes);
  return true;
}

async function finishValidating(
  plugins: readonly AdmissionPlugin[],
  from: number,
  attributes: AdmissionAttributes,
  waiting: Promise<void>,
): Promise<void> {
  await waiting;
  for (const plugin of plugins.slice(from)) await plugin.validate?.(attributes);
}
