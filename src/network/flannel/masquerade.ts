import type { NftFragment } from '../../host/nft.ts';

export interface MasqueradeOptions {
  family: 4 | 6;
  podCidr: string;
  clusterCidrs: readonly string[];
  /** False: pods keep their own address wherever they go (they are routable). */
  outbound: boolean;
  /**
   * The kernel does not pass bridged packets through the rules: an answer between two pods of this node would go
   * straight over the bridge, past the translation that its request went through.
   */
  translateOnBridge: boolean;
}

/** Pods speak to each other with their own addresses and to the rest of the world with the node's. */
export function masqueradeRules(options: MasqueradeOptions): NftFragment {
  const { family, podCidr, clusterCidrs, outbound, translateOnBridge } = options;
  const ip = family === 4 ? 'ip' : 'ip6';
  const cluster = `{ ${clusterCidrs.join(', ')} }`;
  const multicast = family === 4 ? '224.0.0.0/4' : 'ff00::/8';
  return {
    chains: {
      postrouting: {
        hook: 'type nat hook postrouting priority 100 ; policy accept ;',
        rules: [
          ...(translateOnBridge
            ? [`ct status dnat ${ip} saddr ${podCidr} ${ip} daddr ${podCidr} masquerade fully-random`]
            : []),
          `${ip} saddr ${cluster} ${ip} daddr ${cluster} return`,
          `${ip} daddr ${podCidr} return`,
          ...(outbound ? [`${ip} saddr ${cluster} ${ip} daddr != ${multicast} masquerade fully-random`] : []),
          // The node itself, on its way to another node's pods: answers must come back through the overlay.
          `${ip} daddr ${cluster} fib saddr type local masquerade fully-random`,
        ],
      },
    },
  };
}
