import { clusterRules } from './defaults/cluster.ts';
import { coreRules } from './defaults/core.ts';
import type { Rule, Rules } from './defaults/rule.ts';
import { workloadRules } from './defaults/workloads.ts';
import type { KubernetesObject } from './object.ts';
import { addQuantities, formatQuantity, parseQuantity, zeroQuantity } from './quantity.ts';
import { type FieldSchema, type GroupVersionKind, schemaOf, type TypeSchema } from './schema.ts';

const rules: Rules = { ...coreRules, ...workloadRules, ...clusterRules };

/** Where in a type defaults can be due: what to run on it, and which fields to go into. */
interface Plan {
  readonly rule: Rule | undefined;
  readonly constants: readonly [string, unknown][];
  readonly fields: readonly { name: string; each: 'value' | 'list' | 'map'; plan: Plan }[];
}

type Struct = Record<string, unknown>;

const plans = new Map<string, Plan | undefined>();

/**
 * Fills in what upstream defaults for a built-in kind, in place. Idempotent. Kinds without defaults are left as they
 * are. The object is in canonical form (decoded).
 */
export function applyDefaults(gvk: GroupVersionKind, object: KubernetesObject): void {
  const type = schemaOf(gvk);
  const plan = type && planOf(type);
  if (plan) run(plan, object as unknown as Struct);
}

function run(plan: Plan, value: Struct): void {
  plan.rule?.(value as never);
  for (const [name, constant] of plan.constants) value[name] ??= constant;
  for (const { name, each, plan: inner } of plan.fields) {
    const found = value[name];
    if (typeof found !== 'object' || found === null) continue;
    if (each === 'value') run(inner, found as Struct);
    else for (const item of each === 'list' ? (found as Struct[]) : Object.values(found)) run(inner, item as Struct);
  }
}

function planOf(type: TypeSchema): Plan | undefined {
  if (type.shape !== 'struct') return undefined;
  const known = plans.get(type.name);
  if (known || plans.has(type.name)) return known;
  // A type inside itself (JSON schemas) has no defaults by way of itself.
  plans.set(type.name, undefined);
  const fields: Plan['fields'][number][] = [];
  const constants: [string, unknown][] = [];
  for (const field of type.fields.values()) {
    const inner = fieldPlan(field);
    if (inner) fields.push(inner);
    if (isConstant(field.default) || (field.default === '' && field.presence === 'always-null'))
      constants.push([field.name, field.default]);
  }
  const rule = rules[type.name];
  if (!rule && fields.length === 0 && constants.length === 0) return undefined;
  const plan = { rule, constants, fields };
  plans.set(type.name, plan);
  return plan;
}

const isConstant = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || typeof value === 'number' || typeof value === 'boolean';

function fieldPlan(field: FieldSchema): Plan['fields'][number] | undefined {
  if (field.goType === 'v1.ResourceList') return { name: field.name, each: 'value', plan: resourceListPlan };
  const { shape, items } = field.type;
  const plan = planOf(shape === 'list' || shape === 'map' ? (items as TypeSchema) : field.type);
  return plan && { name: field.name, each: shape === 'list' || shape === 'map' ? shape : 'value', plan };
}

/** Amounts of resources are whole thousandths, rounded up. */
function roundResources(list: Record<string, string>): void {
  for (const [name, value] of Object.entries(list)) {
    if (!value.endsWith('n') && !value.endsWith('u')) continue;
    const { nanos, format } = parseQuantity(value);
    const over = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n;
    const rounded = over === 0n ? nanos : nanos - over + 1_000_000n;
    list[name] = formatQuantity(addQuantities(zeroQuantity, { nanos: rounded, format }));
  }
}

const resourceListPlan: Plan = { rule: roundResources as Rule, constants: [], fields: [] };
