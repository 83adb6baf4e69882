import type { ClusterRole, ClusterRoleBinding } from '../api/gen/rbac-v1.ts';
import { clusterrolebindings, clusterroles, nodes, roles as rbacRoles, rolebindings } from '../api/gen/resources.ts';
import type { KubernetesObject, Resource } from '../api/object.ts';
import { isApiError } from '../api/status.ts';
import { createBackoff, delay } from '../base/abort.ts';
import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import { clusterConfig } from './cluster-config.ts';

const read = ['get', 'list', 'watch'];

/** What an agent's network may see and do: its certificate says `system:k3s-controller`. */
const agentRole: ClusterRole = {
  metadata: { name: 'system:k3s-controller' },
  rules: [
    { apiGroups: [''], resources: ['nodes', 'services', 'endpoints', 'pods', 'namespaces'], verbs: read },
    { apiGroups: [''], resources: ['nodes'], verbs: ['patch', 'update'] },
    { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch', 'update'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: read },
    { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies', 'servicecidrs', 'ipaddresses'], verbs: read },
    { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
  ],
};

const binding = (name: string, role: string, user: string): ClusterRoleBinding => ({
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
});

const bindings = [
  binding('system:k3s-controller', 'system:k3s-controller', 'system:k3s-controller'),
  binding('kube-apiserver-kubelet-admin', 'system:kubelet-api-admin', 'kube-apiserver'),
];

/** What a cluster wants of its machines is for them to read. */
const configReader = {
  role: {
    metadata: { name: clusterConfig.name, namespace: clusterConfig.namespace },
    rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: [clusterConfig.name], verbs: read }],
  },
  binding: {
    metadata: { name: clusterConfig.name, namespace: clusterConfig.namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: clusterConfig.name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:k3s-controller' }],
  },
};

async function ensure<T extends KubernetesObject>(
  client: Client,
  resource: Resource<T>,
  object: NoInfer<T>,
): Promise<void> {
  const name = object.metadata.name ?? '';
  const body = { ...object, apiVersion: 'rbac.authorization.k8s.io/v1', kind: resource.kind };
  const { namespace } = object.metadata;
  await client.patch(resource, name, { type: 'apply', body, force: true }, { fieldManager: 'knarr', namespace });
}

/** The roles without which agents cannot work. */
export async function ensureClusterObjects(client: Client): Promise<void> {
  await ensure(client, clusterroles, agentRole);
  for (const object of bindings) await ensure(client, clusterrolebindings, object);
  await ensure(client, rbacRoles, configReader.role);
  await ensure(client, rolebindings, configReader.binding);
}

const roles = { 'node-role.kubernetes.io/control-plane': 'true' };

/**
 * The kubelet's client on a server's own node: a kubelet may not say of itself that it is the control plane, so the
 * server registers its node for it, with that label on it from the first moment.
 */
export const withRoles = (kubelet: Client, server: Client): Client => ({
  ...kubelet,
  create: (resource, object, at) => {
    if (resource.resource !== nodes.resource || resource.group !== nodes.group)
      return kubelet.create(resource, object, at);
    const { metadata } = object;
    const labelled = { ...object, metadata: { ...metadata, labels: { ...metadata.labels, ...roles } } };
    return server.create(resource, labelled, at);
  },
});

/** The same for a node that was registered before it was a server's. */
export function createRoleLabels(options: { client: Client; nodeName: string; log: Logger }): Component {
  const { client, nodeName, log } = options;
  const lifetime = new AbortController();
  const label = async (): Promise<void> => {
    const backoff = createBackoff({ initialMs: 200, maxMs: 10_000 });
    while (!lifetime.signal.aborted) {
      try {
        await client.patch(nodes, nodeName, { type: 'merge', body: { metadata: { labels: roles } } });
        return;
      } catch (error) {
        if (!isApiError(error, 'NotFound')) log.warn('the node has no role yet', { error: messageOf(error) });
        await delay(backoff.next(), lifetime.signal);
      }
    }
  };
  let running: Promise<void> = Promise.resolve();
  return {
    name: 'role-labels',
    async start() {
      running = label();
    },
    async stop() {
      lifetime.abort();
      await running;
    },
  };
}
