import type {
  MatchResources,
  NamedRuleWithOperations,
  RuleWithOperations,
} from '../../../api/gen/admissionregistration-v1.ts';
import { labelSelectorMatches } from '../../../api/selectors.ts';
import type { AdmissionAttributes, Frozen, Registry } from '../../registry/types.ts';
import { ruleMatches } from '../webhook/match.ts';

export interface MatchOptions {
  registry: Registry;
  namespaceOf: (name: string) => Frozen | undefined | Promise<Frozen | undefined>;
}

type Selector = MatchResources['namespaceSelector'];

const isEmpty = (selector: Selector): boolean =>
  !selector || ((selector.matchExpressions?.length ?? 0) === 0 && Object.keys(selector.matchLabels ?? {}).length === 0);

/** With `Equivalent` a rule counts that names another version in which the resource is served. */
function anyRule(
  rules: readonly NamedRuleWithOperations[],
  a: AdmissionAttributes,
  versions: readonly string[],
): boolean {
  return rules.some((rule) => {
    if (rule.resourceNames?.length && !rule.resourceNames.includes(a.name || (a.object?.metadata.name ?? '')))
      return false;
    return versions.some((version) => ruleMatches(rule as RuleWithOperations, { ...a, version }));
  });
}

function versionsOf({ registry }: MatchOptions, a: AdmissionAttributes, policy: string | undefined): readonly string[] {
  if (policy === 'Exact') return [a.version];
  const definition = registry.definitions().find((d) => d.group === a.group && d.resource === a.resource);
  const others = definition?.versions.filter((v) => v.served).map((v) => v.version) ?? [];
  return [...new Set([a.version, ...others])];
}

/** Whether a policy or a binding is about a request. Upstream: `policy/matching`. */
export async function resourcesMatch(
  constraints: MatchResources | undefined,
  a: AdmissionAttributes,
  options: MatchOptions,
): Promise<boolean> {
  if (!constraints) return true;
  const { resourceRules = [], excludeResourceRules = [], objectSelector, namespaceSelector } = constraints;
  const versions = versionsOf(options, a, constraints.matchPolicy);
  if (excludeResourceRules.length > 0 && anyRule(excludeResourceRules, a, versions)) return false;
  if (resourceRules.length > 0 && !anyRule(resourceRules, a, versions)) return false;
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
