import { inNamespace, type Kind } from './validation-kind.ts';

/** What may change of what is there, and what of it is looked at again; and what else an object of odd kinds may say. */

const storage = (resource: string): string => `/apis/storage.k8s.io/v1/${resource}`;
const at = (path: string, more: object): object => ({
  metadata: { annotations: { [`scheduler.alpha.kubernetes.io/${path}`]: JSON.stringify(more) } },
});
const port = (number: number, more: object = {}): object => ({ name: `p${number}`, port: number, ...more });

export const changedKinds: Readonly<Record<string, Kind>> = {
  services: {
    path: inNamespace('v1', 'services'),
    right: { metadata: { name: 'diff-v' }, spec: { selector: { app: 'x' }, ports: [port(80)] } },
    wrong: {
      'address that is none': { spec: { clusterIP: 'garbage' } },
      'addresses that are none': { spec: { clusterIPs: ['10.43.0.1', 'garbage'], ipFamilyPolicy: 'PreferDualStack' } },
      'address of no network': { spec: { clusterIP: '10.99.0.1' } },
      'address of the other family': { spec: { clusterIP: 'fd00::1', ipFamilies: ['IPv4'] } },
      'none and more': { spec: { clusterIPs: ['None', '10.43.0.1'], clusterIP: 'None' } },
      families: { spec: { ipFamilies: ['IPv4', 'IPv5', 'IPv4'] } },
      'a policy': { spec: { ipFamilyPolicy: 'Any' } },
      'node ports that are one': {
        spec: { type: 'NodePort', ports: [port(80, { nodePort: 30080 }), port(81, { nodePort: 30080 })] },
      },
      'node port of no range in a dry run': { spec: { type: 'NodePort', ports: [port(80, { nodePort: 7 })] } },
      'health port': { spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: -1 } },
      'a name with a policy': {
        spec: { type: 'ExternalName', externalName: 'a.example', internalTrafficPolicy: 'Local', selector: null },
      },
    },
    changes: [
      ['the address', '', { spec: { clusterIP: '10.43.0.99', clusterIPs: ['10.43.0.99'] } }],
      ['families', '', { spec: { ipFamilies: ['IPv6'] } }],
      ['node ports', '', { spec: { type: 'NodePort' } }],
      ['the type to a name', '', { spec: { type: 'ExternalName', externalName: 'a.example' } }],
      ['where it is reached', 'status', { status: { loadBalancer: { ingress: [{ ip: 'FD00::1' }] } } }],
    ],
  },
  nodes: {
    path: '/api/v1/nodes',
    right: { metadata: { name: 'diff-v' } },
    wrong: {
      'avoided pods': at('preferAvoidPods', {
        preferAvoidPods: [{}, { podSignature: { podController: { controller: false } } }],
      }),
      'avoided pods that are none': {
        metadata: { annotations: { 'scheduler.alpha.kubernetes.io/preferAvoidPods': '{' } },
      },
      'noted taints': at('taints', [{ key: 'a b', effect: 'Never' }]),
      features: { status: { declaredFeatures: ['B', 'A', 'A', 'c'] } },
      swap: { status: { nodeInfo: { swap: { capacity: 0 } } } },
      'networks that are none': { spec: { podCIDRs: ['10.0.0.0/24', 'x'] } },
      'one network by its older name': { spec: { podCIDR: '10.0.0.0/24' } },
    },
    changes: [
      [
        'addresses',
        'status',
        { status: { addresses: [0, 1].map(() => ({ type: 'InternalIP', address: '10.0.0.1' })) } },
      ],
      ['features', 'status', { status: { declaredFeatures: ['b'] } }],
    ],
  },
  namespaces: {
    path: '/api/v1/namespaces',
    right: { metadata: { name: 'diff-v' } },
    wrong: { finalizers: { spec: { finalizers: ['plain', 'a b/c'] } } },
  },
  accounts: {
    path: inNamespace('v1', 'serviceaccounts'),
    right: { metadata: { name: 'diff-v' } },
    wrong: { 'more of secrets than names': { secrets: [{ kind: 'Secret', name: 'a', uid: 'b', namespace: 'c' }, {}] } },
  },
  secrets: {
    path: inNamespace('v1', 'secrets'),
    right: { metadata: { name: 'diff-v' } },
    wrong: {
      'registries that are no JSON': { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': 'YmFk' } },
      'registries that are a list': {
        type: 'kubernetes.io/dockerconfigjson',
        stringData: { '.dockerconfigjson': '[]' },
      },
      'an empty key': { type: 'kubernetes.io/ssh-auth', data: { 'ssh-privatekey': '' } },
    },
  },
  classes: {
    path: storage('storageclasses'),
    right: { metadata: { name: 'diff-v' }, provisioner: 'a.example/b' },
    wrong: { 'topology of nothing': { allowedTopologies: [{ matchLabelExpressions: [{}] }] } },
    changes: [
      ['the provisioner', '', { provisioner: 'a b' }],
      ['the policy', '', { reclaimPolicy: 'Retain' }],
    ],
  },
  drivers: {
    path: storage('csidrivers'),
    right: { metadata: { name: 'diff-v' }, spec: {} },
    changes: [
      ['what is attached', '', { spec: { attachRequired: false } }],
      ['what is counted', '', { spec: { podInfoOnMount: true } }],
    ],
  },
  'drivers of nodes': {
    path: storage('csinodes'),
    right: { metadata: { name: 'diff-v' }, spec: { drivers: [{ name: 'a.example', nodeID: 'a' }] } },
    changes: [['a driver', '', { spec: { drivers: [{ name: 'a.example', nodeID: 'b', allocatable: { count: 3 } }] } }]],
  },
  runtimes: {
    path: '/apis/node.k8s.io/v1/runtimeclasses',
    right: { metadata: { name: 'diff-v' }, handler: 'a' },
    changes: [['the handler', '', { handler: 'a.b' }]],
  },
  'roles of roles': {
    path: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    right: { metadata: { name: 'diff-v' } },
    wrong: { selector: { aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: 'a' }] }] } } },
  },
  leases: {
    path: inNamespace('coordination.k8s.io/v1', 'leases'),
    right: { metadata: { name: 'diff-v' }, spec: { holderIdentity: 'a', leaseDurationSeconds: 1 } },
    wrong: {
      'time without a fraction': { spec: { renewTime: '2020-01-01T00:00:00Z' } },
      'time with a longer one': { spec: { renewTime: '2020-01-01T00:00:00.1234567Z' } },
    },
  },
  ingresses: {
    path: inNamespace('networking.k8s.io/v1', 'ingresses'),
    right: { metadata: { name: 'diff-v' }, spec: { defaultBackend: { service: { name: 'a', port: { number: 80 } } } } },
    wrong: { 'a resource of nothing': { spec: { defaultBackend: { service: null, resource: {} } } } },
    changes: [['where it is reached', 'status', { status: { loadBalancer: { ingress: [{ ip: 'FD00::1' }] } } }]],
  },
  'services of others': {
    path: '/apis/apiregistration.k8s.io/v1/apiservices',
    right: {
      metadata: { name: 'v1.diff-v.example' },
      spec: { group: 'diff-v.example', version: 'v1', groupPriorityMinimum: 10, versionPriority: 10 },
    },
    wrong: { 'another name': { spec: { version: 'v2' } } },
  },
};
