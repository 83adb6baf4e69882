import type { ExtendedUsage } from './certificate.ts';
import type { Subject } from './names.ts';

/** The authorities of a cluster; each is `<name>.crt` and `<name>.key` in the server's TLS folder. */
export const authorities = ['server-ca', 'client-ca', 'request-header-ca'] as const;
export type AuthorityName = (typeof authorities)[number];

export interface LeafRow {
  /** `<name>.crt` and `<name>.key`. */
  readonly name: string;
  readonly authority: AuthorityName;
  readonly subject: Subject;
  readonly usages: readonly ExtendedUsage[];
  /** The word by which `certificate rotate --service` names it. */
  readonly service: string;
}

const client = (name: string, service: string, commonName: string, ...organizations: string[]): LeafRow => ({
  name,
  service,
  authority: 'client-ca',
  subject: { commonName, organizations },
  usages: ['client'],
});

/** Every leaf of a server that does not belong to one node. */
export const serverLeaves: readonly LeafRow[] = [
  client('client-admin', 'admin', 'system:admin', 'system:masters'),
  client('client-supervisor', 'supervisor', 'system:k3s-supervisor', 'system:masters'),
  client('client-controller', 'controller-manager', 'system:kube-controller-manager'),
  client('client-scheduler', 'scheduler', 'system:kube-scheduler'),
  client('client-kube-apiserver', 'api-server', 'system:apiserver', 'system:masters'),
  client('client-kube-proxy', 'kube-proxy', 'system:kube-proxy'),
  client('client-k3s-controller', 'k3s-controller', 'system:k3s-controller'),
  client('client-k3s-cloud-controller', 'cloud-controller', 'k3s-cloud-controller-manager'),
  {
    name: 'client-auth-proxy',
    service: 'auth-proxy',
    authority: 'request-header-ca',
    subject: { commonName: 'system:auth-proxy' },
    usages: ['client'],
  },
  {
    name: 'serving-kube-apiserver',
    service: 'api-server',
    authority: 'server-ca',
    subject: { commonName: 'kube-apiserver' },
    usages: ['server'],
  },
];

/** The leaves of one node: asked for by the agent, signed by a server. */
export const nodeLeaves = (nodeName: string): readonly LeafRow[] => [
  client('client-kubelet', 'kubelet', `system:node:${nodeName}`, 'system:nodes'),
  client('client-kube-proxy', 'kube-proxy', 'system:kube-proxy'),
  client('client-k3s-controller', 'k3s-controller', 'system:k3s-controller'),
  {
    name: 'serving-kubelet',
    service: 'kubelet',
    authority: 'server-ca',
    subject: { commonName: nodeName },
    usages: ['server'],
  },
];

/** The names that any API server certificate carries besides the addresses of its machine. */
export const apiServerNames = (options: { clusterDomain: string; serviceAddress: string }): string[] => [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  `kubernetes.default.svc.${options.clusterDomain}`,
  'localhost',
  '127.0.0.1',
  '::1',
  options.serviceAddress,
];
