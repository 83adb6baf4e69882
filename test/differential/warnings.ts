import type { Step } from './steps.ts';

/** What is valid and unwise: dry-run creates of which nothing but the warnings is of interest. */

const image = 'registry.example/x';
const term = (key: string, values: string[] = ['a']) => ({ matchExpressions: [{ key, operator: 'In', values }] });
const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
const port = (containerPort: number, more: object = {}) => ({ containerPort, ...more });
const item = (path: string) => ({ key: path.replaceAll('/', '-'), path });

const podSpecs: Readonly<Record<string, object>> = {
  'node labels': {
    nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
    affinity: {
      nodeAffinity: {
        [required]: { nodeSelectorTerms: [term('beta.kubernetes.io/arch')] },
        [preferred]: [{ weight: 1, preference: term('a', ['not a label']) }],
      },
    },
  },
  spread: {
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: 'failure-domain.beta.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
    ],
  },
  neighbours: {
    affinity: {
      podAffinity: { [required]: [{ topologyKey: 'a' }] },
      podAntiAffinity: { [preferred]: [{ weight: 1, podAffinityTerm: { topologyKey: 'a' } }] },
    },
  },
  'host aliases': { hostAliases: [{ ip: '10.0.0.1' }, { ip: '10.0.0.1' }, { ip: 'FD00::1' }] },
  'pull secrets': { imagePullSecrets: [{ name: 'a' }, { name: 'a' }] },
  'part of a byte': {
    containers: [
      { name: 'c', image, resources: { limits: { memory: '1500m' }, requests: { 'ephemeral-storage': '1m' } } },
    ],
  },
  variables: {
    containers: [
      {
        name: 'c',
        image,
        env: [
          { name: 'A', value: '1' },
          { name: 'A', value: '$(A)2' },
          { name: 'A', value: '$(A)' },
          { name: 'A', value: '3' },
        ],
      },
    ],
  },
  ports: {
    containers: [
      { name: 'c', image, ports: [port(80, { name: 'web' }), port(81, { hostIP: '10.0.0.1' })] },
      { name: 'd', image, ports: [port(80, { name: 'web' }), port(81, { hostPort: 8081 })] },
      { name: 'e', image, ports: [port(81, { hostPort: 8081, hostIP: '10.0.0.1' })] },
    ],
  },
  grace: { terminationGracePeriodSeconds: -1 },
  'name servers': { dnsConfig: { nameservers: ['FD00::0001'] }, dnsPolicy: 'None' },
  'old volumes': {
    volumes: [
      { name: 'a', gitRepo: { repository: 'r' } },
      { name: 'b', flocker: { datasetName: 'd' } },
      { name: 'c', storageos: { volumeName: 'v' } },
      { name: 'd', rbd: { monitors: ['m'], image: 'i' } },
      { name: 'e', cephfs: { monitors: ['m'] } },
    ],
  },
  'paths in the way': {
    volumes: [
      { name: 'a', configMap: { name: 'm', items: [item('a'), item('a/b'), item('c')] } },
      { name: 'b', secret: { secretName: 's', items: [item('a/b'), item('a')] } },
      {
        name: 'c',
        projected: {
          sources: [
            { configMap: { name: 'm', items: [item('token')] } },
            { secret: { name: 's', items: [item('a')] } },
            { serviceAccountToken: { path: 'token' } },
          ],
        },
      },
    ],
  },
};

const notes = {
  'scheduler.alpha.kubernetes.io/critical-pod': '',
  'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default',
  'container.apparmor.security.beta.kubernetes.io/c': 'runtime/default',
};

const object = (apiVersion: string, kind: string, more: object, metadata: object = {}): object => ({
  apiVersion,
  kind,
  metadata: { name: 'unwise', ...metadata },
  ...more,
});

const template = (spec: object, annotations: object = {}): object => ({
  metadata: { labels: { a: 'b' }, annotations },
  spec: { containers: [{ name: 'c', image }], ...spec },
});

const deployment = (spec: object, annotations: object = {}): object =>
  object('apps/v1', 'Deployment', {
    spec: { selector: { matchLabels: { a: 'b' } }, template: template(spec, annotations) },
  });

const service = (spec: object, annotations: object = {}): object =>
  object('v1', 'Service', { spec: { ports: [{ port: 1 }], ...spec } }, { annotations });

const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1500m' } } };
const oldClass = { 'volume.beta.kubernetes.io/storage-class': 'a' };

const others: readonly (readonly [what: string, path: string, object: object])[] = [
  [
    'annotated pod',
    'pods',
    object('v1', 'Pod', { spec: (template({}) as { spec: object }).spec }, { annotations: notes }),
  ],
  ['annotated template', 'deployments', deployment({}, notes)],
  ['headless service', 'services', service({ clusterIP: 'None', sessionAffinity: 'ClientIP' })],
  ['external addresses', 'services', service({ externalIPs: ['10.0.0.1', 'FD00::2'] })],
  ['external name', 'services', service({ externalName: 'a.example' })],
  ['old hints', 'services', service({}, { 'service.kubernetes.io/topology-aware-hints': 'auto' })],
  ['close traffic', 'services', service({ trafficDistribution: 'PreferClose' })],
  [
    'source ranges',
    'services',
    service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.1/8', 'FD00::/8'], loadBalancerIP: 'FD00::1' }),
  ],
  [
    'claim',
    'persistentvolumeclaims',
    object('v1', 'PersistentVolumeClaim', { spec: claim }, { annotations: oldClass }),
  ],
  [
    'volume',
    '/api/v1/persistentvolumes',
    object(
      'v1',
      'PersistentVolume',
      {
        spec: {
          accessModes: ['ReadWriteOnce'],
          capacity: { storage: '1Gi' },
          persistentVolumeReclaimPolicy: 'Recycle',
          hostPath: { path: '/a' },
          nodeAffinity: { required: { nodeSelectorTerms: [term('beta.kubernetes.io/os')] } },
        },
      },
      { annotations: oldClass },
    ),
  ],
  [
    'stateful set',
    'statefulsets',
    object('apps/v1', 'StatefulSet', {
      spec: {
        serviceName: 's',
        revisionHistoryLimit: -1,
        selector: { matchLabels: { a: 'b' } },
        template: template({}),
        volumeClaimTemplates: [{ metadata: { name: 'v' }, spec: claim }],
      },
    }),
  ],
  [
    'network policy',
    'networkpolicies',
    object('networking.k8s.io/v1', 'NetworkPolicy', {
      spec: {
        podSelector: {},
        ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.1/16'] } }] }],
        egress: [{ to: [{ ipBlock: { cidr: 'FD00::/8' } }] }],
      },
    }),
  ],
  [
    'runtime class',
    '/apis/node.k8s.io/v1/runtimeclasses',
    object('node.k8s.io/v1', 'RuntimeClass', {
      handler: 'h',
      scheduling: { nodeSelector: { 'beta.kubernetes.io/os': 'a' } },
    }),
  ],
  [
    'storage class',
    '/apis/storage.k8s.io/v1/storageclasses',
    object('storage.k8s.io/v1', 'StorageClass', {
      provisioner: 'p',
      allowedTopologies: [{ matchLabelExpressions: [{ key: 'beta.kubernetes.io/os', values: ['a'] }] }],
    }),
  ],
  [
    'job of many',
    'jobs',
    object(
      'batch/v1',
      'Job',
      {
        spec: {
          completionMode: 'Indexed',
          completions: 100_001,
          parallelism: 10_001,
          template: template({ restartPolicy: 'Never' }),
        },
      },
      { labels: { a: 'c' } },
    ),
  ],
];

const groupOf: Readonly<Record<string, string>> = {
  deployments: '/apis/apps/v1',
  statefulsets: '/apis/apps/v1',
  jobs: '/apis/batch/v1',
  networkpolicies: '/apis/networking.k8s.io/v1',
};

export function warningSteps(namespace: string): Step[] {
  const step = (what: string, path: string, body: object): Step => ({
    id: `warning: ${what}`,
    method: 'POST',
    path: `${path.startsWith('/') ? path : `${groupOf[path] ?? '/api/v1'}/namespaces/${namespace}/${path}`}?dryRun=All`,
    body,
  });
  return [
    ...Object.entries(podSpecs).flatMap(([what, spec]) => [
      step(`pod: ${what}`, 'pods', object('v1', 'Pod', { spec: (template(spec) as { spec: object }).spec })),
      step(`deployment: ${what}`, 'deployments', deployment(spec)),
    ]),
    ...others.map(([what, path, body]) => step(what, path, body)),
  ];
}
