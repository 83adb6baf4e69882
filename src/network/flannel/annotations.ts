import type { Node } from '../../api/gen/core-v1.ts';
import { formatCidr, formatIp, ipFamily, parseCidr, parseIp } from '../../base/cidr.ts';

const prefix = 'flannel.alpha.coreos.com/';

/** Flannel's own names, so that its nodes and ours find each other. */
const keys = {
  managed: `${prefix}kube-subnet-manager`,
  type: `${prefix}backend-type`,
  4: { data: `${prefix}backend-data`, ip: `${prefix}public-ip`, overwrite: `${prefix}public-ip-overwrite` },
  6: { data: `${prefix}backend-v6-data`, ip: `${prefix}public-ipv6`, overwrite: `${prefix}public-ipv6-overwrite` },
} as const;

/** How to reach the pods of one node in one family. */
export interface Lease {
  nodeName: string;
  family: 4 | 6;
  podCidr: string;
  /** Where the node is reached from other nodes. */
  publicIp: string;
  backendType: string;
  /** The hardware address and identifier of its VXLAN interface. */
  vtepMac: string | undefined;
  vni: number | undefined;
}

/** A node's pod networks in their canonical form; what is no network is left out. */
export const podCidrsOf = (node: Node): readonly string[] =>
  (node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : [])).flatMap((text) => {
    const cidr = parseCidr(text);
    return cidr === undefined ? [] : formatCidr(cidr);
  });

function vxlanData(text: string | undefined): { vtepMac?: string; vni?: number } {
  try {
    const data = JSON.parse(text ?? 'null') as { VNI?: unknown; VtepMAC?: unknown } | null;
    if (typeof data?.VtepMAC !== 'string' || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(data.VtepMAC)) return {};
    return { vtepMac: data.VtepMAC.toLowerCase(), ...(typeof data.VNI === 'number' ? { vni: data.VNI } : {}) };
  } catch {
    return {};
  }
}

/** What a node's annotations say about the way to its pods; nothing for a node that has not said it. */
export function leasesOf(node: Node): Lease[] {
  const annotations = node.metadata.annotations ?? {};
  if (annotations[keys.managed] !== 'true') return [];
  return podCidrsOf(node).flatMap((podCidr) => {
    const family = ipFamily(podCidr.split('/')[0] ?? '');
    if (family === undefined) return [];
    const publicIp = parseIp(annotations[keys[family].ip] ?? '');
    if (publicIp?.family !== family) return [];
    const { vtepMac, vni } = vxlanData(annotations[keys[family].data]);
    return {
      nodeName: node.metadata.name ?? '',
      family,
      podCidr,
      publicIp: formatIp(publicIp),
      backendType: annotations[keys.type] ?? '',
      vtepMac,
      vni,
    };
  });
}

/** Which of a node's annotations must change for it to say this; undefined when none. */
export function annotationPatch(
  node: Node,
  say: { backendType: string; vni: number; own: readonly { family: 4 | 6; ip: string; mac: string | undefined }[] },
): Record<string, string> | undefined {
  const now = node.metadata.annotations ?? {};
  const wanted: Record<string, string> = { [keys.managed]: 'true', [keys.type]: say.backendType };
  for (const { family, ip, mac } of say.own) {
    wanted[keys[family].data] = mac === undefined ? 'null' : JSON.stringify({ VNI: say.vni, VtepMAC: mac });
    wanted[keys[family].ip] = now[keys[family].overwrite] ?? ip;
  }
  const changed = Object.entries(wanted).filter(([key, value]) => now[key] !== value);
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}
