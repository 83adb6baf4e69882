import { dynType, isDynOrError, listOf, mapOf, sameType, type Type } from './types.ts';

/** What type parameters stand for so far, by name. */
export type Mapping = Map<string, Type>;

/** `type` with the parameters that are known put in; the others are left, or dyn. */
export function substitute(mapping: Mapping, type: Type, unknownIsDyn: boolean): Type {
  if (type.kind === 'param') {
    const found = mapping.get(type.name);
    if (found) return substitute(mapping, found, unknownIsDyn);
    return unknownIsDyn ? dynType : type;
  }
  if (type.params.length === 0) return type;
  const params = type.params.map((param) => substitute(mapping, param, unknownIsDyn));
  const [first = dynType, second = dynType] = params;
  if (type.kind === 'list') return listOf(first);
  return type.kind === 'map' ? mapOf(first, second) : { ...type, params };
}

const nullable: ReadonlySet<string> = new Set(['opaque', 'struct', 'duration', 'timestamp']);

function assignable(mapping: Mapping, from: Type, to: Type): boolean {
  if (to.kind === 'param') {
    const { valid, known } = standsFor(mapping, from, to);
    if (valid) return true;
    if (known) return false;
  }
  if (from.kind === 'param') return standsFor(mapping, to, from).valid;
  if (isDynOrError(from) || isDynOrError(to)) return true;
  if (from.kind === 'null') return nullable.has(to.kind) || to.kind === 'null';
  if (to.kind === 'null') return nullable.has(from.kind);
  switch (from.kind) {
    case 'type':
      return to.kind === 'type';
    case 'opaque':
    case 'list':
    case 'map':
      return from.kind === to.kind && from.name === to.name && allAssignable(mapping, from.params, to.params);
    default:
      return sameType(from, to);
  }
}

const allAssignable = (mapping: Mapping, from: readonly Type[], to: readonly Type[]): boolean =>
  from.length === to.length && from.every((type, i) => assignable(mapping, type, to[i] as Type));

/** Whether a parameter can stand for a type, or does already. */
function standsFor(mapping: Mapping, type: Type, param: Type): { valid: boolean; known: boolean } {
  if (sameType(type, param)) return { valid: true, known: true };
  const known = mapping.get(param.name);
  if (known) {
    if (sameType(type, known)) return { valid: true, known: true };
    if (!assignable(mapping, type, known)) return { valid: false, known: true };
    const general = mostGeneral(type, known);
    if (!occursIn(mapping, param, general)) mapping.set(param.name, general);
    return { valid: true, known: true };
  }
  if (occursIn(mapping, param, type)) return { valid: false, known: false };
  mapping.set(param.name, type);
  return { valid: true, known: false };
}

function occursIn(mapping: Mapping, param: Type, type: Type): boolean {
  if (sameType(param, type)) return true;
  if (type.kind === 'param') {
    const known = mapping.get(type.name);
    return known !== undefined && occursIn(mapping, param, known);
  }
  return type.params.some((inner) => occursIn(mapping, param, inner));
}

function lessSpecific(a: Type, b: Type): boolean {
  if (a.kind === 'dyn' || a.kind === 'param') return true;
  if (b.kind === 'dyn' || b.kind === 'param' || a.kind !== b.kind) return false;
  if (a.kind === 'type') return true;
  if (a.kind !== 'opaque' && a.kind !== 'list' && a.kind !== 'map') return sameType(a, b);
  return (
    a.name === b.name &&
    a.params.length === b.params.length &&
    a.params.every((param, i) => lessSpecific(param, b.params[i] as Type))
  );
}

export const mostGeneral = (a: Type, b: Type): Type => (lessSpecific(a, b) ? a : b);

/** Whether values of `from` may stand where each of `to` is asked for; what parameters came to is then in `mapping`. */
export function unify(mapping: Mapping, from: readonly Type[], to: readonly Type[]): boolean {
  const trial: Mapping = new Map(mapping);
  if (!allAssignable(trial, from, to)) return false;
  mapping.clear();
  for (const [name, type] of trial) mapping.set(name, type);
  return true;
}
