import type { PolicyRule } from '../../api/gen/rbac-v1.ts';
import type { UserInfo } from '../server.ts';
import { type Attributes, type Decision, noOpinion, type SettledAuthorizer } from './authorizer.ts';
import type { NodeGraph } from './node-graph.ts';
import { ruleAllows } from './rules.ts';

const allowed: Decision = { allowed: true, reason: '' };
const refuse = (reason: string): Decision => ({ allowed: false, reason });

/** The node that a user is: undefined when it is none. */
export function nodeOf(user: UserInfo): string | undefined {
  if (!user.name.startsWith('system:node:') || !user.groups.includes('system:nodes')) return undefined;
  return user.name.slice('system:node:'.length);
}

const own = ['get', 'create', 'update', 'patch', 'delete'];

/** The value that a field selector requires of a field; undefined when it does not pin it. */
function pinned(selector: string | undefined, field: string): string | undefined {
  for (const term of (selector ?? '').split(',')) {
    const match = /^([^=!]+)==?([^=]*)$/.exec(term);
    if (match?.[1] === field) return match[2];
  }
  return undefined;
}

/**
 * What a kubelet may do: read what its pods refer to, and keep its own objects. Reasons are upstream's
 * (`plugin/pkg/auth/authorizer/node/node_authorizer.go`). `rules` are those of the role `system:node`.
 */
export function createNodeAuthorizer(graph: NodeGraph, rules: readonly PolicyRule[]): SettledAuthorizer {
  const related = (node: string, a: Attributes): Decision => {
    if (a.name === '') return refuse('No Object name found');
    if (graph.reaches(node, a.resource, a.namespace, a.name)) return allowed;
    return refuse(`no relationship found between node '${node}' and this object`);
  };
  const byRules = (a: Attributes): Decision => (rules.some((rule) => ruleAllows(rule, a)) ? allowed : noOpinion);

  const readNamespaced = (node: string, a: Attributes): Decision => {
    if (!['get', 'list', 'watch'].includes(a.verb)) return refuse('can only read resources of this type');
    if (a.subresource !== '') return refuse('cannot read subresource');
    if (a.namespace === '') return refuse('can only read namespaced object of this type');
    return related(node, a);
  };
  const getOnly = (node: string, a: Attributes): Decision => {
    if (a.verb !== 'get') return refuse('can only get individual resources of this type');
    if (a.subresource !== '') return refuse('cannot get subresource');
    return related(node, a);
  };

  const handlers: Readonly<Record<string, (node: string, a: Attributes) => Decision>> = {
    '/secrets': readNamespaced,
    '/configmaps': readNamespaced,
    '/persistentvolumeclaims': (node, a) => {
      if (a.subresource !== 'status') return getOnly(node, a);
      if (a.verb !== 'update' && a.verb !== 'patch') return refuse('can only get/update/patch this type');
      return related(node, a);
    },
    '/persistentvolumes': getOnly,
    'resource.k8s.io/resourceclaims': getOnly,
    'storage.k8s.io/volumeattachments': getOnly,
    '/serviceaccounts': (node, a) => {
      if (a.verb === 'get' && a.subresource === '') return readNamespaced(node, a);
      if (a.verb !== 'create' || a.name === '') return refuse('can only create tokens for individual service accounts');
      if (a.subresource !== 'token') return refuse('can only create token subresource of serviceaccount');
      return related(node, a);
    },
    'coordination.k8s.io/leases': (node, a) => {
      if (!own.includes(a.verb)) return refuse('can only get, create, update, patch, or delete a node lease');
      if (a.namespace !== 'kube-node-lease')
        return refuse('can only access leases in the "kube-node-lease" system namespace');
      if (a.verb !== 'create' && a.name !== node)
        return refuse('can only access node lease with the same name as the requesting node');
      return allowed;
    },
    'storage.k8s.io/csinodes': (node, a) => {
      if (!own.includes(a.verb)) return refuse('can only get, create, update, patch, or delete a CSINode');
      if (a.subresource !== '') return refuse('cannot authorize CSINode subresources');
      if (a.verb !== 'create' && a.name !== node)
        return refuse('can only access CSINode with the same name as the requesting node');
      return allowed;
    },
    'resource.k8s.io/resourceslices': (node, a) => {
      if (a.subresource !== '') return refuse('cannot authorize ResourceSlice subresources');
      if (a.verb === 'create') return allowed;
      if (['list', 'watch', 'deletecollection'].includes(a.verb))
        return pinned(a.fieldSelector, 'spec.nodeName') === node
          ? allowed
          : refuse('can only list/watch/deletecollection resourceslices with nodeName field selector');
      return byRules(a);
    },
    '/nodes': (node, a) => nodes(node, a),
    '/pods': (node, a) => pods(node, a),
  };

  const nodes = (node: string, a: Attributes): Decision => {
    const writes = a.verb === 'update' || a.verb === 'patch';
    if (a.subresource === 'status') return writes ? allowed : noOpinion;
    if (a.subresource !== '') return noOpinion;
    if (writes || a.verb === 'create') return allowed;
    if (!['get', 'list', 'watch'].includes(a.verb)) return noOpinion;
    if (a.name === node) return allowed;
    const what = a.name === '' ? 'all nodes' : `'${a.name}'`;
    return refuse(`node '${node}' cannot read ${what}, only its own Node object`);
  };

  const pods = (node: string, a: Attributes): Decision => {
    const { subresource, verb } = a;
    if (subresource === 'status') return verb === 'update' || verb === 'patch' ? allowed : noOpinion;
    if (subresource === 'eviction') return verb === 'create' ? allowed : noOpinion;
    if (subresource !== '') return noOpinion;
    if (verb === 'create' || verb === 'delete') return allowed;
    if (verb === 'get') return getOnly(node, a);
    if (verb !== 'list' && verb !== 'watch') return noOpinion;
    if (pinned(a.fieldSelector, 'spec.nodeName') === node) return allowed;
    return a.name === '' ? refuse('can only list/watch pods with spec.nodeName field selector') : related(node, a);
  };

  return {
    authorize(user, attributes) {
      const node = nodeOf(user);
      if (node === undefined) return noOpinion;
      if (node === '') return refuse(`unknown node for user "${user.name}"`);
      if (!attributes.isResource) return byRules(attributes);
      const handler = handlers[`${attributes.group}/${attributes.resource}`];
      return handler ? handler(node, attributes) : byRules(attributes);
    },
  };
}
