import type {
  ExpressionWarning,
  NamedRuleWithOperations,
  ValidatingAdmissionPolicy,
} from '../../../api/gen/admissionregistration-v1.ts';
import type { APIResourceList } from '../../../api/gen/meta-v1.ts';
import type { Client } from '../../../client/client.ts';
import { admissionEnvironment, withVariables } from '../../cel/admission-environment.ts';
import type { Environment } from '../../cel/environment.ts';
import { readExpression } from '../../cel/expression.ts';
import { dynType, type Type } from '../../cel/types.ts';
import { type Declared, declare, structsIn } from '../../crd/cel-types.ts';
import type { Schema } from '../../crd/structural.ts';

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

interface Typed extends Kind {
  readonly declared: Declared;
}

/** Rules with more kinds are checked against the first of them. */
const mostKinds = 10;

const pathOf = (group: string, version: string): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

/** Of the parts of a rule, those that name one thing; undefined where one names everything. */
const named = (parts: readonly string[] | undefined): string[] =>
  parts?.some((part) => part.includes('*')) ? [] : (parts ?? []).toSorted();

/** A reader of what the server serves, that asks for each document once. */
function documents(client: Client): (path: string) => Promise<unknown> {
  const known = new Map<string, Promise<unknown>>();
  return (path) => {
    const found = known.get(path) ?? client.raw({ method: 'GET', path }).catch(() => undefined);
    known.set(path, found);
    return found;
  };
}

type Read = ReturnType<typeof documents>;

async function kindOf(read: Read, group: string, version: string, resource: string): Promise<Kind | undefined> {
  const list = (await read(`/${pathOf(group, version)}`)) as APIResourceList | undefined;
  const found = list?.resources.find(({ name }) => name === resource);
  return found && { group, version, kind: found.kind };
}

async function kindsOfRule(read: Read, rule: NamedRuleWithOperations): Promise<Kind[]> {
  const resources = (rule.resources ?? []).filter((name) => !/[*/]/.test(name)).toSorted();
  const found: Kind[] = [];
  for (const group of named(rule.apiGroups)) {
    for (const version of named(rule.apiVersions)) {
      for (const resource of resources) {
        const kind = await kindOf(read, group, version, resource);
        if (kind) found.push(kind);
        if (found.length === mostKinds) return found;
      }
    }
  }
  return found;
}

const keyOf = ({ group, version, kind }: Kind): string => `${group}/${version}, Kind=${kind}`;

/** The kinds that a policy's rules name, by group, version and kind. */
async function kindsOf(read: Read, { spec }: ValidatingAdmissionPolicy): Promise<Kind[]> {
  const kinds = new Map<string, Kind>();
  for (const rule of spec?.matchConstraints?.resourceRules ?? []) {
    const found = await kindsOfRule(read, rule);
    for (const kind of found) kinds.set(keyOf(kind), kind);
    if (found.length === mostKinds) break;
  }
  const order = ({ group, version, kind }: Kind): string => [group, version, kind].join('\0');
  return [...kinds.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

interface OpenApi {
  components?: { schemas?: Record<string, Schema> };
}

/** A schema with what it refers to in its place; of what is within itself: no more. */
function resolved(schema: Schema, all: Record<string, Schema>, within: readonly string[]): Schema {
  const { allOf } = schema as { allOf?: { $ref?: string }[] };
  const reference = (schema as { $ref?: string }).$ref ?? allOf?.find(({ $ref }) => $ref)?.$ref;
  if (reference) {
    const name = reference.split('/').at(-1) ?? '';
    const target = all[name];
    return !target || within.includes(name) ? {} : resolved(target, all, [...within, name]);
  }
  const copy: Record<string, unknown> = { ...schema };
  // Types that came with Kubernetes say it by the format.
  if (schema.format === 'int-or-string') copy['x-kubernetes-int-or-string'] = true;
  const { properties, items, additionalProperties } = schema as Record<string, object | undefined>;
  if (properties) {
    const entries = Object.entries(properties) as [string, Schema][];
    copy.properties = Object.fromEntries(entries.map(([key, inner]) => [key, resolved(inner, all, within)]));
  }
  if (items) copy.items = resolved(items, all, within);
  if (typeof additionalProperties === 'object') {
    copy.additionalProperties = resolved(additionalProperties, all, within);
  }
  return copy as Schema;
}

/** What is known of a kind; undefined where its schema is not published. */
async function declaredOf(read: Read, kind: Kind): Promise<Declared | undefined> {
  const document = (await read(`/openapi/v3/${pathOf(kind.group, kind.version)}`)) as OpenApi | undefined;
  const all = document?.components?.schemas ?? {};
  const isKind = (schema: Schema): boolean =>
    ((schema as Record<string, unknown>)['x-kubernetes-group-version-kind'] as Kind[] | undefined)?.some(
      (one) => one.group === kind.group && one.version === kind.version && one.kind === kind.kind,
    ) ?? false;
  const [name, schema] = Object.entries(all).find(([, one]) => isKind(one)) ?? [];
  return name && schema ? declare(resolved(schema, all, [name]), kind.kind, true) : undefined;
}

function environmentOf(policy: ValidatingAdmissionPolicy, object: Declared, params: Declared | undefined): Environment {
  const environment = admissionEnvironment({ params: params !== undefined, authorizer: true }).clone();
  for (const declared of params ? [object, params] : [object]) {
    for (const [name, fields] of structsIn(declared)) environment.registerType(name, fields);
  }
  environment.registerVariable('object', object.type).registerVariable('oldObject', object.type);
  if (params) environment.registerVariable('params', params.type);
  const types = new Map<string, Type>();
  for (const { name, expression } of policy.spec?.variables ?? []) {
    const found = readExpression(expression ?? '', types.size > 0 ? withVariables(environment, types) : environment);
    types.set(name, 'problem' in found ? dynType : found.checked.type);
  }
  return types.size > 0 ? withVariables(environment, types) : environment;
}

/**
 * What the schemas of the kinds that a policy is about have against its expressions, kind by kind. Upstream:
 * `policy/validating/typechecking.go`.
 */
export async function checkPolicyTypes(
  policy: ValidatingAdmissionPolicy,
  client: Client,
): Promise<ExpressionWarning[]> {
  const read = documents(client);
  const { paramKind, validations = [] } = policy.spec ?? {};
  const [version = '', group = ''] = (paramKind?.apiVersion ?? '').split('/').reverse();
  const params = paramKind && (await declaredOf(read, { group, version, kind: paramKind.kind ?? '' }));
  const typed: Typed[] = [];
  for (const kind of await kindsOf(read, policy)) {
    const declared = await declaredOf(read, kind);
    if (declared) typed.push({ ...kind, declared });
  }
  const environments = typed.map(({ declared }) => environmentOf(policy, declared, params));
  const warnings: ExpressionWarning[] = [];
  const check = (fieldRef: string, expression: string): void => {
    const found = typed.flatMap((kind, i) => {
      const result = readExpression(expression, environments[i] as Environment);
      return 'problem' in result ? [`${keyOf(kind)}: ${result.problem.replace(/^compilation failed: /, '')}\n`] : [];
    });
    if (found.length > 0) warnings.push({ fieldRef, warning: found.join('\n') });
  };
  for (const [i, { expression, messageExpression }] of validations.entries()) {
    check(`spec.validations[${i}].expression`, expression);
    if (messageExpression) check(`spec.validations[${i}].messageExpression`, messageExpression);
  }
  return warnings;
}
