import type {
  MutatingWebhook,
  RuleWithOperations,
  ValidatingWebhook,
} from '../../../api/gen/admissionregistration-v1.ts';
import { labelSelectorMatches } from '../../../api/selectors.ts';
import type { AdmissionAttributes, Frozen } from '../../registry/types.ts';
import type { Equivalent } from './equivalents.ts';

export type Webhook = MutatingWebhook | ValidatingWebhook;

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(value));

function resourceMatches(resources: readonly string[] | undefined, resource: string, subresource: string): boolean {
  return (resources ?? []).some((item) => {
    const [wanted = '', wantedSub = ''] = item.split('/');
    return (wanted === '*' || wanted === resource) && (wantedSub === '*' || wantedSub === subresource);
  });
}

/** Upstream: `predicates/rules`. */
export function ruleMatches(
  rule: RuleWithOperations,
  a: Pick<AdmissionAttributes, 'operation' | 'group' | 'version' | 'resource' | 'subresource' | 'namespace'>,
): boolean {
  const isNamespace = a.group === '' && a.resource === 'namespaces';
  const scope = a.namespace !== '' && !isNamespace ? 'Namespaced' : 'Cluster';
  return (
    has(rule.operations, a.operation) &&
    has(rule.apiGroups, a.group) &&
    has(rule.apiVersions, a.version) &&
    (rule.scope === undefined || rule.scope === '*' || rule.scope === scope) &&
    resourceMatches(rule.resources, a.resource, a.subresource ?? '')
  );
}

const isEmpty = (selector: Webhook['namespaceSelector']): boolean =>
  !selector || ((selector.matchExpressions?.length ?? 0) === 0 && Object.keys(selector.matchLabels ?? {}).length === 0);

/** The name of the request that the webhook's rules know: its own, or an equivalent; undefined: none. */
export function ruleMatch(
  { rules = [], matchPolicy }: Webhook,
  a: AdmissionAttributes,
  equivalents: () => readonly Equivalent[],
): 'own' | Equivalent | undefined {
  if (rules.some((rule) => ruleMatches(rule, a))) return 'own';
  if (matchPolicy === 'Exact') return undefined;
  const others = equivalents();
  // Earlier rules are honoured first.
  for (const rule of rules) {
    const found = others.find(({ group, version }) => ruleMatches(rule, { ...a, group, version }));
    if (found) return found;
  }
  return undefined;
}

/** Whether the webhook's selectors take the request. */
export async function selectorsMatch(
  webhook: Webhook,
  a: AdmissionAttributes,
  namespaceOf: (name: string) => Promise<Frozen | undefined>,
): Promise<boolean> {
  if (!isEmpty(webhook.objectSelector)) {
    const objects = [a.object, a.oldObject].filter((object) => object !== undefined);
    if (!objects.some((object) => labelSelectorMatches(webhook.objectSelector, object.metadata.labels))) return false;
  }
  if (isEmpty(webhook.namespaceSelector)) return true;
  if (a.group === '' && a.resource === 'namespaces') {
    const labels = (a.object ?? a.oldObject)?.metadata.labels;
    return labelSelectorMatches(webhook.namespaceSelector, labels);
  }
  if (a.namespace === '') return true;
  const namespace = await namespaceOf(a.namespace);
  return namespace === undefined || labelSelectorMatches(webhook.namespaceSelector, namespace.metadata.labels);
}
