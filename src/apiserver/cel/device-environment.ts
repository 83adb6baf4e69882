import { type Environment, newEnvironment } from './environment.ts';
import { estimateCost, type SizeAt } from './estimate.ts';
import { readExpression } from './expression.ts';
import { runtimeText } from './types.ts';

const domain = 'map<string, ';

let known: Environment | undefined;

/** What the selectors of devices may name. Upstream: `dynamic-resource-allocation/cel`. */
export function deviceEnvironment(): Environment {
  known ??= newEnvironment()
    .allowBindings()
    .registerType('kubernetes.DRADevice', {
      driver: 'string',
      attributes: `${domain}${domain}dyn>>`,
      capacity: `${domain}${domain}kubernetes.Quantity>>`,
      allowMultipleAllocations: 'bool',
    })
    .registerVariable('device', 'kubernetes.DRADevice');
  return known;
}

/** An expression may cost so much at the most, and be so long. */
const mostCost = 1_000_000;
export const longestSelector = 10 * 1024;

const mostAttributes = 32;
const lengths: Readonly<Record<string, number>> = { driver: 63, attributes: mostAttributes, capacity: mostAttributes };

const sizeAt: SizeAt = ([, field = '', ...rest]) => {
  const depth = rest.length;
  if (depth === 0 || depth === 1) return { min: 0, max: lengths[field] ?? 0 };
  return { min: 0, max: field === 'attributes' ? 64 : 0 };
};

/** What is wrong with the selector of a device: `invalid`, or `costly`; undefined when nothing is. */
export function selectorProblem(text: string): { invalid: string } | { costly: string } | undefined {
  const read = readExpression(text, deviceEnvironment());
  if ('problem' in read) return { invalid: read.problem };
  const { type } = read.checked;
  if (type.kind !== 'bool' && type.kind !== 'dyn')
    return { invalid: `must evaluate to bool or the unknown type, not ${runtimeText(type)}` };
  const { max } = estimateCost(read.tree, read.checked, sizeAt);
  return max > mostCost ? { costly: 'too complex, exceeds cost limit' } : undefined;
}
