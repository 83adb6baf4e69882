import { controllers } from '../controllers/list.ts';
import type { ControllerSettings } from '../controllers/runtime/context.ts';
import { onlyAs, parseDuration, parseWhole } from './argument-values.ts';
import {
  type AppliedArguments,
  type ArgumentTable,
  applyArguments,
  type ComponentArguments,
  refuseArgument,
} from './component-arguments.ts';

/** What `--kube-controller-manager-arg` can set. */
export interface ControllerOverrides
  extends Pick<
    ControllerSettings,
    'nodeMonitorGraceMs' | 'nodeMaskV4' | 'nodeMaskV6' | 'finishedPodLimit' | 'legacyTokenUnusedMs'
  > {
  without?: readonly string[];
  /** How long certificates last that the built-in signers make, at the most. */
  signingSeconds?: number;
}

const manager = 'kube-controller-manager-arg';
const noListener = 'it has no listener of its own; metrics and health are at the API server';
const own = 'the cluster’s certificates are the daemon’s own';
const oneServer = 'a cluster has one server';
const inProcess = 'it speaks to the API within one process, with no limit';
const watched = 'everything is watched, not asked again and again';
const workers = 'a controller works on as much at once as helps';

/** Of both components, which would have a listener and an elected leader. */
const common: Readonly<Record<string, string>> = {
  'bind-address': noListener,
  address: noListener,
  port: noListener,
  'secure-port': noListener,
  'tls-cert-file': noListener,
  'tls-private-key-file': noListener,
  'tls-cipher-suites': noListener,
  'tls-min-version': noListener,
  'tls-sni-cert-key': noListener,
  'cert-dir': noListener,
  'permit-port-sharing': noListener,
  'permit-address-sharing': noListener,
  'http2-max-streams-per-connection': noListener,
  'authentication-kubeconfig': noListener,
  'authentication-skip-lookup': noListener,
  'authentication-token-webhook-cache-ttl': noListener,
  'authentication-tolerate-lookup-failure': noListener,
  'authorization-kubeconfig': noListener,
  'authorization-always-allow-paths': noListener,
  'authorization-webhook-cache-authorized-ttl': noListener,
  'authorization-webhook-cache-unauthorized-ttl': noListener,
  'leader-elect-lease-duration': oneServer,
  'leader-elect-renew-deadline': oneServer,
  'leader-elect-retry-period': oneServer,
  'leader-elect-resource-lock': oneServer,
  'leader-elect-resource-name': oneServer,
  'leader-elect-resource-namespace': oneServer,
  'kube-api-qps': inProcess,
  'kube-api-burst': inProcess,
  'kube-api-content-type': inProcess,
};

/** Upstream's names: with `-controller` behind most of them. */
const controllerNamed = (name: string): string => {
  const short = name.replace(/-controller$/, '');
  if (Object.hasOwn(controllers, name)) return name;
  if (Object.hasOwn(controllers, short)) return short;
  throw refuseArgument(manager, 'controllers', `there is no controller ${name} to leave out`);
};

/** `*,-cronjob-controller`: all but those. */
function leftOut(value: string): string[] {
  const names = value.split(',').filter((name) => name !== '');
  if (!names.includes('*'))
    throw refuseArgument(manager, 'controllers', 'a list without * in it; controllers can only be left out');
  return names
    .filter((name) => name !== '*')
    .flatMap((name) => {
      if (name.startsWith('-')) return [controllerNamed(name.slice(1))];
      controllerNamed(name);
      return [];
    });
}

const whole = (name: string, value: string, least = 0, most?: number): number =>
  parseWhole(`${manager}=${name}`, value, least, most);

const controllerTable: ArgumentTable<ControllerOverrides> = {
  flag: manager,
  known: {
    'node-monitor-grace-period': (value) => ({ nodeMonitorGraceMs: parseDuration(value) }),
    'node-cidr-mask-size': (value) => ({ nodeMaskV4: whole('node-cidr-mask-size', value, 8, 30) }),
    'node-cidr-mask-size-ipv4': (value) => ({ nodeMaskV4: whole('node-cidr-mask-size-ipv4', value, 8, 30) }),
    'node-cidr-mask-size-ipv6': (value) => ({ nodeMaskV6: whole('node-cidr-mask-size-ipv6', value, 8, 126) }),
    'terminated-pod-gc-threshold': (value) => ({ finishedPodLimit: whole('terminated-pod-gc-threshold', value) }),
    'cluster-signing-duration': (value) => ({ signingSeconds: Math.round(parseDuration(value) / 1000) }),
    'legacy-service-account-token-clean-up-period': (value) => ({ legacyTokenUnusedMs: parseDuration(value) }),
    controllers: (value) => ({ without: leftOut(value) }),
    'leader-elect': onlyAs(`${manager}=leader-elect`, 'false', oneServer),
    'allocate-node-cidrs': onlyAs(`${manager}=allocate-node-cidrs`, 'true', 'nodes get their share of --cluster-cidr'),
    'use-service-account-credentials': onlyAs(
      `${manager}=use-service-account-credentials`,
      'true',
      'the controllers speak to the API within one process',
    ),
    'enable-garbage-collector': onlyAs(`${manager}=enable-garbage-collector`, 'true', 'leave out garbage-collector'),
    'configure-cloud-routes': onlyAs(`${manager}=configure-cloud-routes`, 'false', 'there are no cloud routes'),
  },
  indifferent: {
    ...common,
    'node-monitor-period': watched,
    'node-startup-grace-period': 'a node has its grace from its first sign of life',
    'min-resync-period': watched,
    'resource-quota-sync-period': watched,
    'namespace-sync-period': watched,
    'pvclaimbinder-sync-period': watched,
    'attach-detach-reconcile-sync-period': watched,
    'disable-attach-detach-reconcile-sync': watched,
    'endpoint-updates-batch-period': 'what changes at once is written at once',
    'endpointslice-updates-batch-period': 'what changes at once is written at once',
    'mirroring-endpointslice-updates-batch-period': 'what changes at once is written at once',
    ...Object.fromEntries(
      [
        ...['cron-job', 'daemonset', 'deployment', 'endpoint', 'ephemeralvolume', 'gc', 'horizontal-pod-autoscaler'],
        ...['job', 'namespace', 'rc', 'replicaset', 'resource-quota', 'service', 'service-endpoint'],
        ...['serviceaccount-token', 'statefulset', 'ttl-after-finished', 'validating-admission-policy-status'],
      ].map((name) => [`concurrent-${name}-syncs`, workers]),
    ),
    'mirroring-concurrent-service-endpoint-syncs': workers,
    'concurrent-rc-syncs': workers,
    'kube-api-content-type': inProcess,
    'flex-volume-plugin-dir': 'there are no flex volumes',
    'cloud-provider': 'nodes are initialized by the built-in cloud controllers',
    'cloud-config': 'the built-in cloud controllers need none',
    'cluster-name': 'the name is used by cloud providers alone',
    'route-reconciliation-period': 'there are no cloud routes',
    'controller-start-interval': 'all controllers start at once',
    'enable-dynamic-provisioning': 'volumes are made by provisioners of the storage classes',
    'enable-hostpath-provisioner': 'there is no provisioner for tests',
    'max-endpoints-per-slice': 'a slice has 100 endpoints at the most',
    'mirroring-max-endpoints-per-subset': 'a slice has 1000 mirrored endpoints at the most',
    'horizontal-pod-autoscaler-use-rest-clients': 'metrics come from the API alone',
    'external-cloud-volume-plugin': 'there are no cloud volumes',
    'requestheader-client-ca-file': noListener,
    'requestheader-allowed-names': noListener,
    'requestheader-username-headers': noListener,
    'requestheader-group-headers': noListener,
    'requestheader-extra-headers-prefix': noListener,
    'client-ca-file': noListener,
  },
  refused: {
    'pod-eviction-timeout': 'Kubernetes has it no more; give pods a toleration with tolerationSeconds',
    'cluster-cidr': 'use --cluster-cidr',
    'service-cluster-ip-range': 'use --service-cidr',
    'cluster-signing-cert-file': own,
    'cluster-signing-key-file': own,
    'root-ca-file': own,
    'service-account-private-key-file': own,
    'node-eviction-rate': 'the pace at which nodes are given up is the default one',
    'secondary-node-eviction-rate': 'the pace at which nodes are given up is the default one',
    'unhealthy-zone-threshold': 'the pace at which nodes are given up is the default one',
    'large-cluster-size-threshold': 'the pace at which nodes are given up is the default one',
  },
};

const schedulerTable: ArgumentTable<Record<string, never>> = {
  flag: 'kube-scheduler-arg',
  known: { 'leader-elect': onlyAs('kube-scheduler-arg=leader-elect', 'false', oneServer) },
  indifferent: {
    ...common,
    'pod-max-in-unschedulable-pods-duration':
      'pods are tried again when something changed that may help, and every five minutes',
  },
  refused: {
    config: 'the profile is the default one of Kubernetes 1.36',
    'write-config-to': 'the profile is the default one of Kubernetes 1.36',
  },
};

export const controllerOverrides = (args: ComponentArguments): AppliedArguments<ControllerOverrides> =>
  applyArguments(controllerTable, args);

/** Nothing of the scheduler can be set; throws KnarrError for what would change it. */
export const schedulerArguments = (args: ComponentArguments): AppliedArguments<Record<string, never>> =>
  applyArguments(schedulerTable, args);
