import { type Environment, newEnvironment } from '../cel/environment.ts';
import { optionalOf } from '../cel/types.ts';
import { type Declared, declare, structsIn } from './cel-types.ts';
import type { Schema } from './structural.ts';

/** One of `x-kubernetes-validations`. */
export interface ValidationRule {
  rule?: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

export const rulesOf = (schema: Schema): readonly ValidationRule[] =>
  ((schema as Record<string, unknown>)['x-kubernetes-validations'] ?? []) as ValidationRule[];

/** What the rules of a schema are compiled with. */
export interface RuleScope {
  readonly declared: Declared;
  /** `optional`: for rules whose `oldSelf` may not be there. */
  environment(optional: boolean): Environment;
}

const scopes = new WeakMap<Schema, Map<boolean, RuleScope | undefined>>();

/** The same for the same schema; undefined where rules cannot see values of it. */
export function scopeOf(schema: Schema, root: boolean): RuleScope | undefined {
  const known = scopes.get(schema) ?? new Map<boolean, RuleScope | undefined>();
  scopes.set(schema, known);
  if (!known.has(root)) known.set(root, makeScope(schema, root));
  return known.get(root);
}

function makeScope(schema: Schema, root: boolean): RuleScope | undefined {
  const declared = declare(schema, 'selfType', root || schema['x-kubernetes-embedded-resource'] === true);
  if (!declared) return undefined;
  const environments = new Map<boolean, Environment>();
  return {
    declared,
    environment(optional) {
      const found = environments.get(optional) ?? environmentOf(declared, optional);
      environments.set(optional, found);
      return found;
    },
  };
}

function environmentOf(declared: Declared, optional: boolean): Environment {
  const environment = newEnvironment();
  for (const [name, fields] of structsIn(declared)) environment.registerType(name, fields);
  const { type } = declared;
  return environment.registerVariable('self', type).registerVariable('oldSelf', optional ? optionalOf(type) : type);
}
