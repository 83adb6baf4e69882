import { parseCidr } from '../base/cidr.ts';
import type { ServiceProxyOptions } from '../network/service-proxy/options.ts';
import { parseWhole } from './argument-values.ts';
import {
  type AppliedArguments,
  type ArgumentTable,
  applyArguments,
  type ComponentArguments,
  refuseArgument,
} from './component-arguments.ts';

/** What `--kube-proxy-arg` can set. */
export type ProxyOverrides = Pick<ServiceProxyOptions, 'nodePortCidrs' | 'healthzAddress' | 'healthzPort'>;

const flag = 'kube-proxy-arg';
const nftables = 'services are made of nftables rules';
const conntrack = 'sizes and time-outs of connection tracking are the machine’s own: set them by sysctl';
/** Zero is upstream's word for "leave the kernel's setting alone", which is what the proxy does. */
const leftAlone = (name: string, ...zeros: string[]): Record<string, (value: string) => ProxyOverrides> => ({
  [name]: (value) => {
    if (zeros.includes(value)) return {};
    throw refuseArgument(flag, name, conntrack);
  },
});

function networks(value: string): string[] {
  const list = value.split(',').filter((text) => text !== '');
  for (const text of list)
    if (parseCidr(text) === undefined)
      throw refuseArgument(flag, 'nodeport-addresses', `${JSON.stringify(text)} is not a network like 10.0.0.0/8`);
  return list;
}

function address(value: string): ProxyOverrides {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(value);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw refuseArgument(flag, 'healthz-bind-address', `${JSON.stringify(value)} is no address`);
  const port = match?.[3];
  return {
    healthzAddress: host,
    ...(port === undefined ? {} : { healthzPort: parseWhole(`${flag}=healthz-bind-address`, port, 0, 65535) }),
  };
}

const table: ArgumentTable<ProxyOverrides> = {
  flag,
  known: {
    'nodeport-addresses': (value) => ({ nodePortCidrs: networks(value) }),
    'healthz-bind-address': address,
    ...leftAlone('conntrack-max-per-core', '0'),
    ...leftAlone('conntrack-min', '0'),
    ...leftAlone('conntrack-tcp-timeout-established', '0', '0s'),
    ...leftAlone('conntrack-tcp-timeout-close-wait', '0', '0s'),
  },
  indifferent: {
    'proxy-mode': (mode) => {
      if (mode === 'nftables' || mode === '') return undefined;
      if (mode === 'iptables' || mode === 'ipvs') return `${nftables}, whatever the mode`;
      throw refuseArgument(flag, 'proxy-mode', `${JSON.stringify(mode)} is not nftables, iptables or ipvs`);
    },
    'ipvs-scheduler': (name) => {
      if (name === 'rr' || name === '') return nftables;
      throw refuseArgument(flag, 'ipvs-scheduler', `${nftables}: endpoints take turns by chance`);
    },
    'iptables-localhost-nodeports': (value) => {
      if (value === 'false') return undefined;
      throw refuseArgument(flag, 'iptables-localhost-nodeports', 'node ports are not served on loopback addresses');
    },
    'ipvs-strict-arp': nftables,
    'ipvs-exclude-cidrs': nftables,
    'ipvs-tcp-timeout': conntrack,
    'ipvs-tcpfin-timeout': conntrack,
    'ipvs-udp-timeout': conntrack,
    'metrics-bind-address': 'the proxy has no metrics of its own',
    'metrics-port': 'the proxy has no metrics of its own',
    'bind-address': 'services of both families are served',
    'bind-address-hard-fail': 'services of both families are served',
    'iptables-sync-period': 'rules are changed when services do',
    'iptables-min-sync-period': 'rules are changed when services do',
    'iptables-masquerade-bit': 'rules are of nftables',
    'ipvs-sync-period': 'rules are of nftables',
    'ipvs-min-sync-period': 'rules are of nftables',
    'nftables-sync-period': 'rules are changed when services do',
    'nftables-min-sync-period': 'rules are changed when services do',
    'config-sync-period': 'services are watched',
    'conntrack-udp-timeout': conntrack,
    'conntrack-udp-timeout-stream': conntrack,
    'conntrack-tcp-be-liberal': conntrack,
    'detect-local-mode': 'what comes from pods is known by --cluster-cidr',
    'pod-bridge-interface': 'what comes from pods is known by --cluster-cidr',
    'pod-interface-name-prefix': 'what comes from pods is known by --cluster-cidr',
    'kube-api-qps': 'requests are not slowed',
    'kube-api-burst': 'requests are not slowed',
    'kube-api-content-type': 'requests are not slowed',
    'oom-score-adj': 'the unit of the daemon sets it',
    cleanup: 'rules of proxies before this one are taken away at the start',
    'show-hidden-metrics-for-version': 'the proxy has no metrics of its own',
  },
  refused: {
    'cluster-cidr': 'use --cluster-cidr',
    'masquerade-all': 'only what does not come from pods is masqueraded',
    'hostname-override': 'use --node-name',
  },
};

export const proxyOverrides = (args: ComponentArguments): AppliedArguments<ProxyOverrides> =>
  applyArguments(table, args);
