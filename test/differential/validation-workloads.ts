import { inNamespace, type Kind } from './validation-kind.ts';

/** What runs, and what it is given. */

const image = 'registry.example/x';
const container = { name: 'c', image };
const podSpec = { containers: [container] };
const labels = { app: 'x', tier: 'y' };
const condition = (type: string, status = 'True'): object => ({ type, status, reason: 'r', message: 'm' });
const failure = (rule: object): object => ({ spec: { podFailurePolicy: { rules: [rule] } } });
const behaviour = (scaleDown: object): object => ({ spec: { behavior: { scaleDown } } });
const spread = (more: object): object => ({
  spec: { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule', ...more }] },
});
const term = (more: object): object => ({
  spec: {
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'z', ...more }] } },
  },
});
const sized = { resources: { requests: { cpu: '1' }, limits: { cpu: '1' } } };

export const workloadKinds: Readonly<Record<string, Kind>> = {
  jobs: {
    path: inNamespace('batch/v1', 'jobs'),
    right: {
      metadata: { name: 'diff-v' },
      spec: { completions: 3, completionMode: 'Indexed', template: { spec: { ...podSpec, restartPolicy: 'Never' } } },
    },
    wrong: {
      'no rules': { spec: { podFailurePolicy: { rules: [] } } },
      'rule of nothing': failure({ action: 'FailJob' }),
      'rule of both': failure({
        action: 'FailJob',
        onExitCodes: { operator: 'In', values: [1] },
        onPodConditions: [{ type: 'A', status: 'True' }],
      }),
      'exit codes': failure({ action: 'Sometimes', onExitCodes: { operator: 'In', values: [3, 1, 1, 0] } }),
      'exit of nobody': failure({
        action: 'Ignore',
        onExitCodes: { containerName: 'z', operator: 'NotIn', values: [1] },
      }),
      'pod condition': failure({ action: 'Ignore', onPodConditions: [{ type: 'A b', status: 'Perhaps' }] }),
      'index action': failure({ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }),
      'failed indexes': { spec: { maxFailedIndexes: 5 } },
      'backoff of index': { spec: { backoffLimitPerIndex: -1, maxFailedIndexes: 4 } },
      success: { spec: { successPolicy: { rules: [{}] } } },
      'success indexes': { spec: { successPolicy: { rules: [{ succeededIndexes: '2,1-0', succeededCount: 5 }] } } },
      'success count': { spec: { successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 3 }] } } },
      'success not indexed': {
        spec: { completionMode: 'NonIndexed', successPolicy: { rules: [{ succeededCount: 1 }] } },
      },
      replacement: { spec: { podReplacementPolicy: 'Never' } },
      managed: { spec: { managedBy: 'nobody' } },
      restart: { spec: { template: { spec: { restartPolicy: 'Always' } } } },
      selector: { spec: { manualSelector: true, selector: { matchLabels: { a: 'b' } } } },
    },
    changes: [
      ['completions', '', { spec: { completions: 4, parallelism: 2 } }],
      ['mode', '', { spec: { completionMode: 'NonIndexed' } }],
      ['template', '', { spec: { template: { spec: { containers: [{ name: 'c', image: 'other' }] } } } }],
      ['backoff per index', '', { spec: { backoffLimitPerIndex: 1 } }],
      ['counts', 'status', { status: { active: -1, succeeded: -1, failed: -1, ready: -1 } }],
      ['complete and failed', 'status', { status: { conditions: [condition('Complete'), condition('Failed')] } }],
      ['complete without start', 'status', { status: { conditions: [condition('Complete')] } }],
      ['indexes', 'status', { status: { completedIndexes: '2,1', failedIndexes: '0-9' } }],
    ],
  },
  autoscalers: {
    path: inNamespace('autoscaling/v2', 'horizontalpodautoscalers'),
    right: {
      metadata: { name: 'diff-v' },
      spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } },
    },
    wrong: {
      window: behaviour({ stabilizationWindowSeconds: 3601 }),
      'no policies': behaviour({ policies: [], selectPolicy: 'Some' }),
      policy: behaviour({ policies: [{ type: 'Half', value: 0, periodSeconds: 1801 }] }),
      'resource of nothing': {
        spec: { metrics: [{ type: 'Resource', resource: { name: '', target: { type: 'Utilization' } } }] },
      },
      'two metrics': {
        spec: {
          metrics: [
            {
              type: 'Pods',
              pods: { metric: { name: 'a/b' }, target: { type: 'AverageValue', averageValue: '0' } },
              external: { metric: { name: 'x' }, target: { type: 'Value', value: '1' } },
            },
          ],
        },
      },
      'metric of nothing': { spec: { metrics: [{ type: 'External' }] } },
      container: {
        spec: {
          metrics: [
            {
              type: 'ContainerResource',
              containerResource: {
                name: 'cpu',
                container: 'a/b',
                target: { type: 'Utilization', averageUtilization: 0 },
              },
            },
          ],
        },
      },
    },
  },
  pods: {
    path: inNamespace('v1', 'pods'),
    right: { metadata: { name: 'diff-v', labels }, spec: { ...podSpec, automountServiceAccountToken: false } },
    wrong: {
      'spread by labels': spread({ labelSelector: { matchLabels: { q: 'r' } }, matchLabelKeys: ['app', 'none'] }),
      'spread by the selected': spread({ labelSelector: { matchLabels: { app: 'x' } }, matchLabelKeys: ['app'] }),
      'spread without selector': spread({ matchLabelKeys: ['app'] }),
      'near by labels': term({ labelSelector: {}, matchLabelKeys: ['app'], mismatchLabelKeys: ['tier'] }),
      'near by both': term({ labelSelector: {}, matchLabelKeys: ['app'], mismatchLabelKeys: ['app'] }),
      'near without selector': term({ matchLabelKeys: ['app'] }),
      'near by the selected': term({ labelSelector: { matchLabels: { app: 'z' } }, matchLabelKeys: ['app'] }),
      'whole and parts': { spec: { ...sized, containers: [{ ...container, resources: { requests: { cpu: '2' } } }] } },
      'whole unknown': { spec: { resources: { requests: { 'example.com/x': '1' } } } },
      'whole over limit': { spec: { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } } },
      'scheduling gates': { spec: { nodeName: 'n', schedulingGates: [{ name: 'A b' }, { name: 'a' }, { name: 'a' }] } },
      'resource claims': {
        spec: {
          resourceClaims: [{ name: 'a' }, { name: 'a', resourceClaimName: 'b', resourceClaimTemplateName: 'c' }],
        },
      },
      'claims of nobody': {
        spec: { containers: [{ ...container, resources: { claims: [{ name: 'z' }, { name: 'z' }] } }] },
      },
      'requests of a claim': {
        spec: {
          resourceClaims: [{ name: 'z', resourceClaimName: 'b' }],
          containers: [{ ...container, resources: { claims: [{ name: 'z', request: 'a b' }, { name: 'z' }] } }],
        },
      },
      'settings shared with the host': {
        spec: {
          hostNetwork: true,
          hostIPC: true,
          securityContext: { sysctls: ['net/ipv4/a', 'kernel.sem', 'vm.a'].map((name) => ({ name, value: '1' })) },
        },
      },
      'devices of other users': {
        spec: { hostUsers: false, containers: [{ ...container, volumeDevices: [{ name: 'a', devicePath: '/a' }] }] },
      },
      'what Windows does not know': {
        spec: {
          os: { name: 'windows' },
          hostUsers: false,
          securityContext: { runAsUser: 1, windowsOptions: { runAsUserName: 'a\\b\\c' } },
          containers: [{ ...container, securityContext: { privileged: false } }],
        },
      },
      'what only Windows knows': {
        spec: {
          os: { name: 'linux' },
          securityContext: { windowsOptions: { gmsaCredentialSpec: '', runAsUserName: '.\\@' } },
        },
      },
      'processes of the host': {
        spec: {
          securityContext: { windowsOptions: { hostProcess: true } },
          containers: [container, { name: 'd', image, securityContext: { windowsOptions: { hostProcess: false } } }],
        },
      },
      'a change of policy': { spec: { securityContext: { seLinuxChangePolicy: 'MountOption' } } },
      'a long profile': {
        spec: { securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: ` ${'a'.repeat(4095)}` } } },
      },
      'a signal alone': { spec: { containers: [{ ...container, lifecycle: { stopSignal: 'SIGUSR1' } }] } },
      'noted tolerations': {
        metadata: { annotations: { 'scheduler.alpha.kubernetes.io/tolerations': '[{"key":"a b"}]' } },
      },
    },
    changes: [
      ['image', '', { spec: { containers: [{ name: 'c', image: 'other' }] } }],
      ['command', '', { spec: { containers: [{ name: 'c', image, command: ['x'] }] } }],
      ['deadline', '', { spec: { activeDeadlineSeconds: -1 } }],
      ['gates', '', { spec: { schedulingGates: [{ name: 'a' }] } }],
      ['tolerations', '', { spec: { tolerations: [] } }],
      ['resize of the class', 'resize', { spec: { containers: [{ name: 'c', image, ...sized }] } }],
      ['resize of the image', 'resize', { spec: { containers: [{ name: 'c', image: 'other' }] } }],
      [
        'ephemeral',
        'ephemeralcontainers',
        { spec: { ephemeralContainers: [{ name: 'c', image, targetContainerName: 'z' }] } },
      ],
      [
        'addresses',
        'status',
        { status: { podIP: '10.0.0.3', podIPs: [{ ip: '10.0.0.3' }, { ip: '10.0.0.1' }, { ip: '10.0.0.2' }] } },
      ],
      ['the address by its older name', 'status', { status: { podIP: 'FD00::1' } }],
      ['an address that is none', 'status', { status: { podIPs: [{ ip: 'a' }, { ip: '10.0.0.1' }] } }],
      ['hosts', 'status', { status: { hostIP: '10.0.0.1', hostIPs: [{ ip: '10.0.0.2' }] } }],
      ['class', 'status', { status: { qosClass: 'Guaranteed' } }],
      ['nomination', 'status', { status: { nominatedNodeName: 'A_' } }],
      ['condition', 'status', { status: { conditions: [{ type: 'A b', status: 'True' }] } }],
    ],
  },
  volumes: {
    path: inNamespace('v1', 'persistentvolumeclaims'),
    right: {
      metadata: { name: 'diff-v' },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'a', resources: { requests: { storage: '2Gi' } } },
    },
    wrong: {
      modes: { spec: { accessModes: ['ReadWriteOnce', 'ReadWriteOncePod', 'Never'] } },
      sources: {
        spec: { dataSource: { kind: 'Pod', name: '' }, dataSourceRef: { apiGroup: 'a', kind: 'B', name: 'c' } },
      },
      'attributes class': { spec: { volumeAttributesClassName: 'A_' } },
    },
    changes: [
      ['class', '', { spec: { storageClassName: 'b' } }],
      ['smaller', '', { spec: { resources: { requests: { storage: '1Gi' } } } }],
      ['larger', '', { spec: { resources: { requests: { storage: '3Gi' } } } }],
      ['mode', '', { spec: { volumeMode: 'Block' } }],
      ['capacity', 'status', { status: { capacity: { storage: '-1', 'A b': '1' } } }],
      ['resize status', 'status', { status: { allocatedResourceStatuses: { storage: 'Soon' } } }],
    ],
  },
  quotas: {
    path: inNamespace('v1', 'resourcequotas'),
    right: { metadata: { name: 'diff-v' }, spec: { hard: { pods: '1' } } },
    wrong: {
      scopes: { spec: { scopes: ['Terminating', 'NotTerminating', 'Other'] } },
      'scope of others': { spec: { hard: { services: '1' }, scopes: ['BestEffort'] } },
      selector: {
        spec: {
          scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'Exists', values: ['a'] }] },
        },
      },
      'selector operator': {
        spec: { scopeSelector: { matchExpressions: [{ scopeName: 'BestEffort', operator: 'In', values: ['a'] }] } },
      },
      fraction: { spec: { hard: { pods: '1500m', 'no slash': '1' } } },
      'more asked than may be': {
        spec: { hard: { cpu: '3', 'limits.cpu': '2000m', 'requests.memory': '2Gi', 'limits.memory': '1Gi' } },
      },
    },
    changes: [
      ['scopes', '', { spec: { scopes: ['BestEffort'] } }],
      ['used', 'status', { status: { hard: { pods: '-1' }, used: { pods: '1500m' } } }],
    ],
  },
  budgets: {
    path: inNamespace('policy/v1', 'poddisruptionbudgets'),
    right: { metadata: { name: 'diff-v' }, spec: { minAvailable: 1, selector: {} } },
    changes: [
      [
        'counts',
        'status',
        { status: { disruptionsAllowed: -1, currentHealthy: -2, desiredHealthy: -1, expectedPods: -1 } },
      ],
      ['conditions', 'status', { status: { conditions: [{ type: '-', status: 'x' }] } }],
    ],
  },
};
