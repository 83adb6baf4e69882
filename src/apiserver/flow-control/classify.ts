import type { FlowSchema, PolicyRulesWithSubjects, Subject } from '../../api/gen/flowcontrol-v1.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from '../server.ts';

type Asked = Pick<RequestInfo, 'isResource' | 'path' | 'verb' | 'group' | 'resource' | 'subresource' | 'namespace'>;

const has = (list: readonly string[] | undefined, wanted: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(wanted));

function subjectMatches({ kind, user, group, serviceAccount }: Subject, asker: UserInfo): boolean {
  if (kind === 'User') return user?.name === '*' || user?.name === asker.name;
  if (kind === 'Group') return group?.name === '*' || (group !== undefined && asker.groups.includes(group.name));
  if (kind !== 'ServiceAccount' || !serviceAccount) return false;
  const prefix = `system:serviceaccount:${serviceAccount.namespace}:`;
  return serviceAccount.name === '*' ? asker.name.startsWith(prefix) : asker.name === prefix + serviceAccount.name;
}

/** A path without `*` is for what is below it, too. */
function urlMatches(url: string, path: string): boolean {
  if (url === '*' || url === path) return true;
  const prefix = url.replace(/\*$/, '');
  return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

function ruleMatches(rule: PolicyRulesWithSubjects, asker: UserInfo, info: Asked): boolean {
  if (!rule.subjects.some((subject) => subjectMatches(subject, asker))) return false;
  if (!info.isResource)
    return (rule.nonResourceRules ?? []).some(
      ({ verbs, nonResourceURLs }) =>
        has(verbs, info.verb) && nonResourceURLs.some((url) => urlMatches(url, info.path)),
    );
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  return (rule.resourceRules ?? []).some(
    ({ verbs, apiGroups, resources, namespaces, clusterScope }) =>
      has(verbs, info.verb) &&
      has(apiGroups, info.group) &&
      has(resources, resource) &&
      (info.namespace === '' ? clusterScope === true : has(namespaces, info.namespace)),
  );
}

/** Whether a request belongs to a flow schema. Upstream: `util/flowcontrol/rule.go`. */
export const schemaMatches = ({ spec }: FlowSchema, asker: UserInfo, info: Asked): boolean =>
  (spec?.rules ?? []).some((rule) => ruleMatches(rule, asker, info));

/** Which flow of its schema a request is in. */
export function distinguisher({ spec }: FlowSchema, asker: UserInfo, info: Asked): string {
  const type = spec?.distinguisherMethod?.type;
  return type === 'ByUser' ? asker.name : type === 'ByNamespace' ? info.namespace : '';
}
