/** What the pods of a node are connected with. */
export interface CniOptions {
  /** The node's pod networks, one per family at most. */
  podCidrs: readonly string[];
  clusterCidrs: readonly string[];
  mtu: number;
  ipamDataDir: string;
  /** Whether the bandwidth plugin is installed. */
  bandwidth: boolean;
}

/** The name that K3s gives its network: addresses given out under it are found again by whoever takes over. */
export const cniNetworkName = 'cbr0';
export const cniBridge = 'cni0';
export const cniFileName = '10-flannel.conflist';

/**
 * The CNI configuration list of a node: a bridge with addresses from the node's own pod networks, host ports, and
 * bandwidth limits where the plugin is there.
 */
export function cniConflist(options: CniOptions): object {
  const { podCidrs, clusterCidrs, mtu, ipamDataDir, bandwidth } = options;
  return {
    cniVersion: '1.0.0',
    name: cniNetworkName,
    plugins: [
      {
        type: 'bridge',
        bridge: cniBridge,
        mtu,
        isDefaultGateway: true,
        forceAddress: true,
        hairpinMode: true,
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: ipamDataDir,
          ranges: podCidrs.map((subnet) => [{ subnet }]),
          routes: clusterCidrs.map((dst) => ({ dst })),
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
      ...(bandwidth ? [{ type: 'bandwidth', capabilities: { bandwidth: true } }] : []),
    ],
  };
}
