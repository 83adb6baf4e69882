import type { Layer } from '../audit/latencies.ts';
import type { AdmissionMetrics, AdmissionTold, AdmissionType } from '../metrics/admission.ts';
import type { Admission, AdmissionAttributes, Maybe } from '../registry/types.ts';
import type { AdmissionPlugin } from './plugin.ts';

/** One plug-in's part in one kind of request. */
interface Part {
  /** True: it has altered the object. */
  run(attributes: AdmissionAttributes): Maybe<unknown>;
  readonly told: AdmissionTold;
  /** What the time that it takes is told as, where it asks others. */
  readonly layer: Layer | undefined;
}

/** What cares about one kind of request, in order. */
interface Step {
  readonly parts: readonly Part[];
  readonly told: AdmissionTold;
}

interface Chosen {
  readonly mutating: Step;
  readonly validating: Step;
}

const untold = (): void => {};

const layers: Readonly<Record<string, Layer>> = {
  MutatingAdmissionWebhook: 'mutating-webhook',
  ValidatingAdmissionWebhook: 'validating-webhook',
};

/** The plug-ins as one; which of them care about an operation on a resource is worked out once. */
export function createAdmissionChain(plugins: readonly AdmissionPlugin[], metrics?: AdmissionMetrics): Admission {
  const chosen = new Map<string, Chosen>();
  const stepOf = (caring: readonly AdmissionPlugin[], operation: string, type: AdmissionType): Step => ({
    told: metrics?.step(operation, type) ?? untold,
    parts: caring.flatMap((plugin): Part[] => {
      const work = type === 'admit' ? plugin.mutate?.bind(plugin) : plugin.validate?.bind(plugin);
      const told = metrics?.plugin(plugin.name, operation, type) ?? untold;
      return work ? [{ run: work, told, layer: layers[plugin.name] }] : [];
    }),
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
      found = { mutating: stepOf(caring, operation, 'admit'), validating: stepOf(caring, operation, 'validate') };
      if (chosen.size > 10_000) chosen.clear();
      chosen.set(key, found);
    }
    return found;
  };

  /** Runs all parts in order; waits only where one has to be waited for. Tells whether one altered the object. */
  const runAll = (step: Step, a: AdmissionAttributes): Maybe<boolean> => {
    const { parts } = step;
    const began = performance.now();
    let last = began;
    let changed = false;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as Part;
      try {
        const result = part.run(a);
        if (result instanceof Promise) return finish(step, i, a, { began, last, changed, result });
        if (result) changed = true;
      } catch (error) {
        refused(step, part, began, last);
        throw error;
      }
      const now = performance.now();
      part.told(now - last, false);
      last = now;
    }
    step.told(last - began, false);
    return changed;
  };

  const refused = (step: Step, part: Part, began: number, last: number): void => {
    const now = performance.now();
    part.told(now - last, true);
    step.told(now - began, true);
  };

  const finish = async (
    step: Step,
    from: number,
    a: AdmissionAttributes,
    so: { began: number; last: number; changed: boolean; result: Promise<unknown> },
  ): Promise<boolean> => {
    const { parts } = step;
    let { last, changed } = so;
    for (let i = from; i < parts.length; i++) {
      const part = parts[i] as Part;
      try {
        if (await (i === from ? so.result : part.run(a))) changed = true;
      } catch (error) {
        refused(step, part, so.began, last);
        throw error;
      } finally {
        if (part.layer) a.context.spent?.(part.layer, performance.now() - last);
      }
      const now = performance.now();
      part.told(now - last, false);
      last = now;
    }
    step.told(last - so.began, false);
    return changed;
  };

  /** What hooks have added is looked at by all plug-ins, as if it had come with the request. */
  const again = (changed: boolean, step: Step, a: AdmissionAttributes): Maybe<boolean> => {
    if (!a.rounds?.another) return changed;
    a.rounds.isSecond = true;
    const second = runAll(step, a);
    return second instanceof Promise ? second.then(() => true) : true;
  };

  return {
    mutate(attributes) {
      const { mutating } = choose(attributes);
      const first = runAll(mutating, attributes);
      if (first instanceof Promise) return first.then((changed) => again(changed, mutating, attributes));
      return again(first, mutating, attributes);
    },
    validate(attributes) {
      const done = runAll(choose(attributes).validating, attributes);
      return done instanceof Promise ? done.then(() => undefined) : undefined;
    },
  };
}
