import type {
  MatchResources,
  NamedRuleWithOperations,
  RuleWithOperations,
} from '../../../api/gen/admissionregistration-v1.ts';
import { labelSelectorMatches } from '../../../api/selectors.ts';
import type { AdmissionAttributes, Frozen, Registry } from '../../registry/types.ts';
import { type Equivalent, equivalentsOf } from '../webhook/equivalents.ts';
import { ruleMatches } from '../webhook/match.ts';

export interface MatchOptions {
  registry: Registry;
  namespaceOf: (name: string) => Frozen | undefined | Promise<Frozen | undefined>;
}

type Selector = MatchResources['namespaceSelector'];

const isEmpty = (selector: Selector): boolean =>
  !selector || ((selector.matchExpressions?.length ?? 0) === 0 && Object.keys(selector.matchLabels ?? {}).length === 0);

/** As which a policy or a binding takes a request: as it came, or by another name of its resource. */
export type Match = 'own' | Equivalent;

function anyRule(
  rules: readonly NamedRuleWithOperations[],
  a: AdmissionAttributes,
  others: () => readonly Equivalent[],
): Match | undefined {
  const names = (rule: NamedRuleWithOperations): boolean =>
    !rule.resourceNames?.length || rule.resourceNames.includes(a.name || (a.object?.metadata.name ?? ''));
  const matches = (rule: NamedRuleWithOperations, as: AdmissionAttributes): boolean =>
    names(rule) && ruleMatches(rule as RuleWithOperations, as);
  if (rules.some((rule) => matches(rule, a))) return 'own';
  for (const rule of rules) {
    const found = others().find(({ group, version }) => matches(rule, { ...a, group, version }));
    if (found) return found;
  }
  return undefined;
}

/** As what a policy or a binding is about a request; undefined: it is not. Upstream: `policy/matching`. */
export async function resourcesMatch(
  constraints: MatchResources | undefined,
  a: AdmissionAttributes,
  options: MatchOptions,
): Promise<Match | undefined> {
  if (!constraints) return 'own';
  const { resourceRules = [], excludeResourceRules = [], matchPolicy } = constraints;
  const others = () => (matchPolicy === 'Exact' ? [] : equivalentsOf(options.registry, a));
  if (anyRule(excludeResourceRules, a, others)) return undefined;
  const match = resourceRules.length > 0 ? anyRule(resourceRules, a, others) : 'own';
  return match && (await selected(constraints, a, options)) ? match : undefined;
}

async function selected(
  { objectSelector, namespaceSelector }: MatchResources,
  a: AdmissionAttributes,
  options: MatchOptions,
): Promise<boolean> {
  if (!isEmpty(objectSelector)) {
    const objects = [a.object, a.oldObject].filter((object) => object !== undefined);
    if (!objects.some((object) => labelSelectorMatches(objectSelector, object.metadata.labels))) return false;
  }
  if (isEmpty(namespaceSelector)) return true;
  if (a.group === '' && a.resource === 'namespaces')
    return labelSelectorMatches(namespaceSelector, (a.object ?? a.oldObject)?.metadata.labels);
  if (a.namespace === '') return true;
  const namespace = await options.namespaceOf(a.namespace);
  return namespace === undefined || labelSelectorMatches(namespaceSelector, namespace.metadata.labels);
}
