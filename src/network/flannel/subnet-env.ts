import { cidrAddress, parseCidr } from '../../base/cidr.ts';

/** `10.42.0.0/24` → `10.42.0.1/24`: the bridge's own address, as flannel names a node's subnet. */
function gatewayOf(text: string): string {
  const cidr = parseCidr(text);
  return cidr === undefined ? text : `${cidrAddress(cidr, 1n)}/${cidr.prefix}`;
}

/** The text of flannel's subnet.env, which other tools read to learn of the network. */
export function subnetEnv(options: {
  clusterCidrs: readonly string[];
  podCidrs: readonly string[];
  mtu: number;
}): string {
  const { clusterCidrs, podCidrs, mtu } = options;
  const isV6 = (cidr: string): boolean => cidr.includes(':');
  const lines: [string, string | undefined][] = [
    ['FLANNEL_NETWORK', clusterCidrs.find((c) => !isV6(c))],
    ['FLANNEL_SUBNET', podCidrs.filter((c) => !isV6(c)).map(gatewayOf)[0]],
    ['FLANNEL_IPV6_NETWORK', clusterCidrs.find(isV6)],
    ['FLANNEL_IPV6_SUBNET', podCidrs.filter(isV6).map(gatewayOf)[0]],
    ['FLANNEL_MTU', String(mtu)],
    ['FLANNEL_IPMASQ', 'true'],
  ];
  return lines.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}\n`])).join('');
}
