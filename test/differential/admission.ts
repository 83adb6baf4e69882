import type { Step } from './steps.ts';

/** What built-in admission has against requests: each scenario in a namespace of its own. */

interface Scenario {
  readonly name: string;
  /** Objects that the rest depends on, by the path below the namespace (or from the root, with a slash in front). */
  readonly given?: readonly (readonly [path: string, object: object])[];
  readonly asked: readonly (readonly [
    what: string,
    method: string,
    path: string,
    body?: object,
    contentType?: string,
  ])[];
  readonly labels?: Record<string, string>;
}

const merge = 'application/merge-patch+json';
const dry = '?dryRun=All';
const container = { name: 'c', image: 'registry.example/x' };
const pod = (spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', ...metadata },
  spec: { containers: [container], automountServiceAccountToken: false, ...spec },
});
const sized = (resources: object): object => pod({ containers: [{ ...container, resources }] });
const template = (spec: object): object => ({
  selector: { matchLabels: { a: 'b' } },
  template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container], ...spec } },
});
const deployment = (spec: object): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: template(spec),
});
const object = (apiVersion: string, kind: string, name: string, more: object, metadata: object = {}): object => ({
  apiVersion,
  kind,
  metadata: { name, ...metadata },
  ...more,
});
const v1 = (kind: string, name: string, more: object, metadata: object = {}): object =>
  object('v1', kind, name, more, metadata);

const level = (enforce: string, more: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries({ enforce, ...more }).map(([k, v]) => [`pod-security.kubernetes.io/${k}`, v]));

const bad: Record<string, object> = {
  host: { hostNetwork: true, hostPID: true, volumes: [{ name: 'v', hostPath: { path: '/' } }] },
  privileged: {
    containers: [{ ...container, securityContext: { privileged: true }, ports: [{ containerPort: 80, hostPort: 80 }] }],
  },
  capabilities: { containers: [{ ...container, securityContext: { capabilities: { add: ['NET_ADMIN', 'CHOWN'] } } }] },
  root: { securityContext: { runAsUser: 0, runAsNonRoot: false } },
  unconfined: {
    securityContext: { seccompProfile: { type: 'Unconfined' }, seLinuxOptions: { type: 'spc_t', user: 'u' } },
  },
  profile: { containers: [{ ...container, securityContext: { appArmorProfile: { type: 'Unconfined' } } }] },
  sysctls: {
    securityContext: {
      sysctls: [
        { name: 'kernel.msgmax', value: '1' },
        { name: 'net.ipv4.tcp_rmem', value: '1' },
      ],
    },
  },
  probes: { containers: [{ ...container, livenessProbe: { httpGet: { host: '10.0.0.1', port: 80 } } }] },
  volumes: {
    volumes: [
      { name: 'n', nfs: { server: 's', path: '/' } },
      { name: 'e', emptyDir: {} },
    ],
  },
  'two of a kind': {
    containers: [container, { ...container, name: 'd' }],
    initContainers: [{ ...container, name: 'i' }],
  },
  'user namespace': {
    hostUsers: false,
    securityContext: { runAsUser: 0 },
    containers: [{ ...container, securityContext: { procMount: 'Unmasked' } }],
  },
};

const security = (name: string, labels: Record<string, string>): Scenario => ({
  name,
  labels,
  asked: [
    ['plain pod', 'POST', `pods${dry}`, pod()],
    ...Object.entries(bad).map(([what, spec]) => [`pod: ${what}`, 'POST', `pods${dry}`, pod(spec)] as const),
    ['plain deployment', 'POST', `deployments${dry}`, deployment({})],
    ...Object.entries(bad).map(
      ([what, spec]) => [`deployment: ${what}`, 'POST', `deployments${dry}`, deployment(spec)] as const,
    ),
  ],
});

const hard = {
  pods: '1',
  'requests.cpu': '1',
  'count/configmaps': '1',
  'services.nodeports': '1',
  'requests.storage': '1Gi',
};
const used = {
  pods: '0',
  'requests.cpu': '600m',
  'count/configmaps': '1',
  'services.nodeports': '0',
  'requests.storage': '0',
};
const service = (type: string, ports: number): object =>
  v1('Service', 's', {
    spec: { type, ports: Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, port: i + 1 })) },
  });
const claim = (storage: string): object =>
  v1('PersistentVolumeClaim', 'c', { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } } });
const secretEnv = (name: string) => [{ name: 'V', valueFrom: { secretKeyRef: { name, key: 'k' } } }];

const scenarios: readonly Scenario[] = [
  security('baseline', level('baseline')),
  security('restricted', level('restricted')),
  security('old', level('restricted', { 'enforce-version': 'v1.18', 'warn-version': 'v1.30' })),
  {
    name: 'levels',
    given: [['pods', pod({ hostNetwork: true })]],
    asked: [
      ['bad labels', 'PATCH', '.', { metadata: { labels: level('x', { 'warn-version': 'v2', audit: 'y' }) } }, merge],
      ['raised', 'PATCH', `.${dry}`, { metadata: { labels: level('baseline') } }, merge],
      [
        'raised to the top',
        'PATCH',
        '.',
        { metadata: { labels: level('restricted', { 'enforce-version': 'v1.20' }) } },
        merge,
      ],
      ['lowered', 'PATCH', '.', { metadata: { labels: level('baseline', { 'enforce-version': 'v1.20' }) } }, merge],
      [
        'bad new namespace',
        'POST',
        '/api/v1/namespaces',
        v1('Namespace', 'diff-bad-labels', {}, { labels: level('x', { warn: 'y' }) }),
      ],
    ],
  },
  {
    name: 'limits',
    given: [
      [
        'limitranges',
        v1('LimitRange', 'l', {
          spec: {
            limits: [
              {
                type: 'Container',
                min: { cpu: '100m' },
                max: { cpu: '1', memory: '1Gi' },
                default: { cpu: '500m', memory: '100Mi' },
                maxLimitRequestRatio: { cpu: '4' },
              },
              { type: 'Pod', max: { memory: '1500Mi' } },
              { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } },
            ],
          },
        }),
      ],
    ],
    asked: [
      ['defaults', 'POST', `pods${dry}`, pod()],
      ['some defaults', 'POST', `pods${dry}`, sized({ requests: { memory: '1Mi' } })],
      ['too small', 'POST', `pods${dry}`, sized({ requests: { cpu: '10m' } })],
      ['too large', 'POST', `pods${dry}`, sized({ limits: { cpu: '2', memory: '2Gi' } })],
      ['ratio', 'POST', `pods${dry}`, sized({ requests: { cpu: '100m' }, limits: { cpu: '900m' } })],
      [
        'pod too large',
        'POST',
        `pods${dry}`,
        pod({
          containers: ['a', 'b'].map((name) => ({ ...container, name, resources: { limits: { memory: '1Gi' } } })),
        }),
      ],
      ['small claim', 'POST', `persistentvolumeclaims${dry}`, claim('1Mi')],
      ['large claim', 'POST', `persistentvolumeclaims${dry}`, claim('3Gi')],
    ],
  },
  {
    name: 'quota',
    given: [['resourcequotas', v1('ResourceQuota', 'q', { spec: { hard } })]],
    asked: [
      ['before it is counted', 'POST', `pods${dry}`, pod()],
      ['count it', 'PATCH', 'resourcequotas/q/status', { status: { hard, used } }, merge],
      ['says nothing', 'POST', `pods${dry}`, pod()],
      ['too much', 'POST', `pods${dry}`, sized({ requests: { cpu: '500m' } })],
      ['fits', 'POST', `pods${dry}`, sized({ requests: { cpu: '400m' } })],
      ['one object too many', 'POST', `configmaps${dry}`, v1('ConfigMap', 'x', {})],
      ['other objects', 'POST', `secrets${dry}`, v1('Secret', 'x', {})],
      ['one port', 'POST', `services${dry}`, service('NodePort', 1)],
      ['two ports', 'POST', `services${dry}`, service('NodePort', 2)],
      ['balanced ports', 'POST', `services${dry}`, service('LoadBalancer', 2)],
      ['claim', 'POST', `persistentvolumeclaims${dry}`, claim('1Gi')],
      ['large claim', 'POST', `persistentvolumeclaims${dry}`, claim('2Gi')],
      ['charge', 'POST', 'pods', sized({ requests: { cpu: '400m' } })],
      ['charged', 'GET', 'resourcequotas/q'],
      ['no more', 'POST', `pods${dry}`, sized({ requests: { cpu: '1m' } })],
      ['uncounted', 'PATCH', 'resourcequotas/q/status', { status: { used: { pods: null } } }, merge],
      ['not known', 'POST', `pods${dry}`, sized({ requests: { cpu: '0' } })],
    ],
  },
  {
    name: 'scopes',
    given: [
      [
        '/apis/scheduling.k8s.io/v1/priorityclasses',
        object('scheduling.k8s.io/v1', 'PriorityClass', 'diff-high', { value: 7 }),
      ],
      [
        'resourcequotas',
        v1('ResourceQuota', 'a', { spec: { hard: { pods: '0' }, scopes: ['Terminating', 'BestEffort'] } }),
      ],
      [
        'resourcequotas',
        v1('ResourceQuota', 'b', {
          spec: {
            hard: { pods: '0' },
            scopeSelector: {
              matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['diff-high'] }],
            },
          },
        }),
      ],
      [
        'resourcequotas',
        v1('ResourceQuota', 'c', { spec: { hard: { pods: '0' }, scopes: ['CrossNamespacePodAffinity'] } }),
      ],
    ],
    asked: [
      ...['a', 'b', 'c'].map(
        (q) =>
          [
            `count ${q}`,
            'PATCH',
            `resourcequotas/${q}/status`,
            { status: { hard: { pods: '0' }, used: { pods: '0' } } },
            merge,
          ] as const,
      ),
      ['outside of all', 'POST', `pods${dry}`, pod()],
      ['terminating', 'POST', `pods${dry}`, pod({ activeDeadlineSeconds: 5 })],
      ['high', 'POST', `pods${dry}`, pod({ priorityClassName: 'diff-high' })],
      [
        'across namespaces',
        'POST',
        `pods${dry}`,
        pod({
          affinity: {
            podAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'a', labelSelector: { matchLabels: { a: 'b' } }, namespaces: ['x'] },
              ],
            },
          },
        }),
      ],
      ['no such class', 'POST', `pods${dry}`, pod({ priorityClassName: 'none' })],
      ['wrong priority', 'POST', `pods${dry}`, pod({ priorityClassName: 'diff-high', priority: 8 })],
    ],
  },
  {
    name: 'accounts',
    given: [
      [
        'serviceaccounts',
        v1(
          'ServiceAccount',
          'limited',
          { secrets: [{ name: 'known' }], imagePullSecrets: [{ name: 'pull' }] },
          { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
        ),
      ],
    ],
    asked: [
      ['none', 'POST', `pods${dry}`, pod({ serviceAccountName: 'none' })],
      [
        'known',
        'POST',
        `pods${dry}`,
        pod({ serviceAccountName: 'limited', containers: [{ ...container, env: secretEnv('known') }] }),
      ],
      [
        'other',
        'POST',
        `pods${dry}`,
        pod({ serviceAccountName: 'limited', containers: [{ ...container, env: secretEnv('other') }] }),
      ],
      [
        'other volume',
        'POST',
        `pods${dry}`,
        pod({ serviceAccountName: 'limited', volumes: [{ name: 'v', secret: { secretName: 'other' } }] }),
      ],
      [
        'other pull secret',
        'POST',
        `pods${dry}`,
        pod({ serviceAccountName: 'limited', imagePullSecrets: [{ name: 'x' }] }),
      ],
      [
        'mirror pod with an account',
        'POST',
        `pods${dry}`,
        pod({ serviceAccountName: 'limited' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
      ],
      [
        'mirror pod with a secret',
        'POST',
        `pods${dry}`,
        pod({ imagePullSecrets: [{ name: 'x' }] }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
      ],
    ],
  },
  {
    name: 'nodes',
    given: [
      [
        '/api/v1/nodes',
        v1(
          'Node',
          'diff-node',
          {},
          { labels: { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r' } },
        ),
      ],
      [
        '/apis/node.k8s.io/v1/runtimeclasses',
        object('node.k8s.io/v1', 'RuntimeClass', 'diff-class', {
          handler: 'h',
          overhead: { podFixed: { cpu: '100m' } },
          scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'a', operator: 'Exists' }] },
        }),
      ],
    ],
    asked: [
      ['born on the node', 'POST', `pods${dry}`, pod({ nodeName: 'diff-node' })],
      ['pod', 'POST', 'pods', sized({ requests: { cpu: '1' } })],
      ['bind', 'POST', 'pods/p/binding', v1('Binding', 'p', { target: { kind: 'Node', name: 'diff-node' } })],
      ['bound', 'GET', 'pods/p'],
      [
        'resize past the node',
        'PATCH',
        'pods/p/resize',
        { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '2' } } }] } },
        'application/strategic-merge-patch+json',
      ],
      ['log of a node without an address', 'GET', 'pods/p/log'],
      ['class', 'POST', `pods${dry}`, pod({ runtimeClassName: 'diff-class', tolerations: [{ key: 'a', value: 'x' }] })],
      [
        'class and other selector',
        'POST',
        `pods${dry}`,
        pod({ runtimeClassName: 'diff-class', nodeSelector: { a: 'c' } }),
      ],
      [
        'class and same overhead',
        'POST',
        `pods${dry}`,
        pod({ runtimeClassName: 'diff-class', overhead: { cpu: '0.1' } }),
      ],
      [
        'class and other overhead',
        'POST',
        `pods${dry}`,
        pod({ runtimeClassName: 'diff-class', overhead: { cpu: '1' } }),
      ],
      ['overhead without class', 'POST', `pods${dry}`, pod({ overhead: { cpu: '1' } })],
      ['no such class', 'POST', `pods${dry}`, pod({ runtimeClassName: 'none' })],
      ['service', 'POST', 'services', service('ClusterIP', 2)],
      ['proxy to no endpoint', 'GET', 'services/s/proxy/'],
      ['proxy to a port', 'GET', 'services/http:s:p1/proxy/'],
      ['proxy to no port', 'GET', 'services/s:77/proxy/'],
      ['proxy to nothing', 'GET', 'services/none:80/proxy/'],
      ['proxy to a pod without an address', 'GET', 'pods/p:80/proxy/'],
      ['proxy with too many parts', 'GET', 'pods/a:b:c:d/proxy/'],
    ],
  },
];

const groupOf: Readonly<Record<string, string>> = { deployments: '/apis/apps/v1' };

function pathOf(namespace: string, path: string): string {
  if (path.startsWith('/')) return path;
  if (path.startsWith('.')) return `/api/v1/namespaces/${namespace}${path.slice(1)}`;
  const [resource = ''] = path.split(/[/?]/);
  return `${groupOf[resource] ?? '/api/v1'}/namespaces/${namespace}/${path}`;
}

export function admissionSteps(): Step[] {
  return scenarios.flatMap(({ name, given = [], asked, labels }): Step[] => {
    const namespace = `diff-${name}`;
    const step = (what: string, method: string, path: string, body?: object, contentType?: string): Step => ({
      id: `admission ${name}: ${what}`,
      method,
      path: pathOf(namespace, path),
      ...(body ? { body } : {}),
      ...(contentType ? { contentType } : {}),
    });
    const account = v1('ServiceAccount', 'default', {});
    const made = [
      step('namespace', 'POST', '/api/v1/namespaces', v1('Namespace', namespace, {}, labels ? { labels } : {})),
      step('account', 'POST', 'serviceaccounts', account),
      ...given.map(([path, body], i) => step(`given ${i}`, 'POST', path, body)),
    ];
    const settled = (one: Step): Step =>
      one.method === 'PATCH' || one.id.endsWith(': charge') ? { ...one, settle: true } : one;
    return [...made.slice(0, -1), { ...(made.at(-1) as Step), settle: true }, ...asked.map((a) => settled(step(...a)))];
  });
}
