import { controllers } from '../controllers/list.ts';
import type { ControllerSettings } from '../controllers/runtime/context.ts';
import { onlyAs, parseDuration, parseWhole } from './argument-values.ts';
import { type ArgumentTable, applyArguments, refuseArgument } from './component-arguments.ts';

/** What `--kube-controller-manager-arg` can set. */
export interface ControllerOverrides
  extends Pick<ControllerSettings, 'nodeMonitorGraceMs' | 'nodeMaskV4' | 'nodeMaskV6'> {
  without?: readonly string[];
}

const manager = 'kube-controller-manager-arg';
const noListener = 'it has no listener of its own; metrics and health are at the API server';
const own = 'the cluster’s certificates are the daemon’s own';
const oneServer = 'a cluster has one server';

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

const controllerTable: ArgumentTable<ControllerOverrides> = {
  flag: manager,
  known: {
    'node-monitor-grace-period': (value) => ({ nodeMonitorGraceMs: parseDuration(value) }),
    'node-cidr-mask-size': (value) => ({ nodeMaskV4: parseWhole(`${manager}=node-cidr-mask-size`, value, 8, 30) }),
    'node-cidr-mask-size-ipv4': (value) => ({
      nodeMaskV4: parseWhole(`${manager}=node-cidr-mask-size-ipv4`, value, 8, 30),
    }),
    'node-cidr-mask-size-ipv6': (value) => ({
      nodeMaskV6: parseWhole(`${manager}=node-cidr-mask-size-ipv6`, value, 8, 126),
    }),
    controllers: (value) => ({ without: leftOut(value) }),
    'leader-elect': onlyAs(`${manager}=leader-elect`, 'false', oneServer),
  },
  refused: {
    'pod-eviction-timeout': 'Kubernetes has it no more; give pods a toleration with tolerationSeconds',
    'bind-address': noListener,
    'secure-port': noListener,
    'cluster-cidr': 'use --cluster-cidr',
    'service-cluster-ip-range': 'use --service-cidr',
    'allocate-node-cidrs': 'nodes get their share of --cluster-cidr',
    'node-monitor-period': 'nodes are watched, not asked again and again',
    'cluster-signing-cert-file': own,
    'cluster-signing-key-file': own,
    'cluster-signing-duration': own,
    'root-ca-file': own,
    'service-account-private-key-file': own,
    'kube-api-qps': 'the controllers speak to the API within one process, with no limit',
    'kube-api-burst': 'the controllers speak to the API within one process, with no limit',
  },
};

const schedulerTable: ArgumentTable<Record<string, never>> = {
  flag: 'kube-scheduler-arg',
  known: { 'leader-elect': onlyAs('kube-scheduler-arg=leader-elect', 'false', oneServer) },
  refused: {
    'bind-address': noListener,
    'secure-port': noListener,
    config: 'the profile is the default one of Kubernetes 1.36',
    'kube-api-qps': 'the scheduler speaks to the API within one process, with no limit',
    'kube-api-burst': 'the scheduler speaks to the API within one process, with no limit',
  },
};

export const controllerOverrides = (args: ReadonlyMap<string, string>): Partial<ControllerOverrides> =>
  applyArguments(controllerTable, args);

/** Nothing of the scheduler can be set; throws KnarrError for what would change it. */
export const checkSchedulerArguments = (args: ReadonlyMap<string, string>): void =>
  void applyArguments(schedulerTable, args);
