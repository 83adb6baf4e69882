import type { Layer } from '../audit/latencies.ts';
import type { AdmissionMetrics, AdmissionType } from '../metrics/admission.ts';
import type { Admission, AdmissionAttributes, Maybe } from '../registry/types.ts';
import type { AdmissionPlugin } from './plugin.ts';

/** One plug-in's part in one kind of request. */
interface Part {
  /** True: it has altered the object. */
  run(attributes: AdmissionAttributes): Maybe<unknown>;
  told(ms: number, rejected: boolean): void;
  /** What the time that it takes is told as, where it asks others. */
  readonly layer: Layer | undefined;
}

interface Chosen {
  readonly mutating: readonly Part[];
  readonly validating: readonly Part[];
}

const untold = (): void => {};

const layers: Readonly<Record<string, Layer>> = {
  MutatingAdmissionWebhook: 'mutating-webhook',
  ValidatingAdmissionWebhook: 'validating-webhook',
};

/** The plug-ins as one; which of them care about an operation on a resource is worked out once. */
export function createAdmissionChain(plugins: readonly AdmissionPlugin[], metrics?: AdmissionMetrics): Admission {
  const chosen = new Map<string, Chosen>();
  const partsOf = (caring: readonly AdmissionPlugin[], operation: string, type: AdmissionType): Part[] =>
    caring.flatMap((plugin): Part[] => {
      const work = type === 'admit' ? plugin.mutate?.bind(plugin) : plugin.validate?.bind(plugin);
      const told = metrics?.plugin(plugin.name, operation, type) ?? untold;
      return work ? [{ run: work, told, layer: layers[plugin.name] }] : [];
    });
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
      found = { mutating: partsOf(caring, operation, 'admit'), validating: partsOf(caring, operation, 'validate') };
      if (chosen.size > 10_000) chosen.clear();
      chosen.set(key, found);
    }
    return found;
  };

  /** Runs all parts in order; waits only where one has to be waited for. Tells whether one altered the object. */
  const runAll = (parts: readonly Part[], a: AdmissionAttributes, type: AdmissionType): Maybe<boolean> => {
    const began = performance.now();
    let last = began;
    let changed = false;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as Part;
      try {
        const result = part.run(a);
        if (result instanceof Promise) return finish(parts, i, a, type, { began, last, changed, result });
        if (result) changed = true;
      } catch (error) {
        refused(part, type, a, began, last);
        throw error;
      }
      const now = performance.now();
      part.told(now - last, false);
      last = now;
    }
    metrics?.step(type, a.operation, last - began, false);
    return changed;
  };

  const refused = (part: Part, type: AdmissionType, a: AdmissionAttributes, began: number, last: number): void => {
    const now = performance.now();
    part.told(now - last, true);
    metrics?.step(type, a.operation, now - began, true);
  };

  const finish = async (
    parts: readonly Part[],
    from: number,
    a: AdmissionAttributes,
    type: AdmissionType,
    so: { began: number; last: number; changed: boolean; result: Promise<unknown> },
  ): Promise<boolean> => {
    let { last, changed } = so;
    for (let i = from; i < parts.length; i++) {
      const part = parts[i] as Part;
      try {
        if (await (i === from ? so.result : part.run(a))) changed = true;
      } catch (error) {
        refused(part, type, a, so.began, last);
        throw error;
      } finally {
        if (part.layer) a.context.spent?.(part.layer, performance.now() - last);
      }
      const now = performance.now();
      part.told(now - last, false);
      last = now;
    }
    metrics?.step(type, a.operation, last - so.began, false);
    return changed;
  };

  /** What hooks have added is looked at by all plug-ins, as if it had come with the request. */
  const again = (changed: boolean, parts: readonly Part[], a: AdmissionAttributes): Maybe<boolean> => {
    if (!a.rounds?.another) return changed;
    a.rounds.isSecond = true;
    const second = runAll(parts, a, 'admit');
    return second instanceof Promise ? second.then(() => true) : true;
  };

  return {
    mutate(attributes) {
      const { mutating } = choose(attributes);
      const first = runAll(mutating, attributes, 'admit');
      if (first instanceof Promise) return first.then((changed) => again(changed, mutating, attributes));
      return again(first, mutating, attributes);
    },
    validate(attributes) {
      const done = runAll(choose(attributes).validating, attributes, 'validate');
      return done instanceof Promise ? done.then(() => undefined) : undefined;
    },
  };
}
