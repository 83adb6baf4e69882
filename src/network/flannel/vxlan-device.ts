import { createHash } from 'node:crypto';
import type { IpTool, Link } from '../../host/ip.ts';

export interface VxlanDevice {
  name: string;
  vni: number;
  port: number;
  /** The interface and address that the outer packets leave from. */
  parent: Link;
  local: string;
  mtu: number;
  mac: string;
  /** Its address in the overlay: hosts reach pods from it. */
  address: string;
}

/** A hardware address of the node's own that a reboot does not change, so other nodes need not hear of it again. */
export function stableMac(nodeName: string, deviceName: string): string {
  const digest = createHash('sha256').update(`${nodeName} ${deviceName}`).digest();
  // Locally administered, unicast.
  const bytes = [((digest[0] ?? 0) & 0xfe) | 0x02, ...digest.subarray(1, 6)];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Whether a link is the wanted device in all that cannot be changed afterwards. */
export function isSameDevice(link: Link, wanted: Omit<VxlanDevice, 'mtu' | 'mac' | 'address'>): boolean {
  const { info_kind: kind, info_data: data = {} } = link.linkinfo ?? {};
  return (
    kind === 'vxlan' &&
    data.id === wanted.vni &&
    data.port === wanted.port &&
    data.learning !== true &&
    (data.local ?? data.local6) === wanted.local &&
    data.link === wanted.parent.ifname
  );
}

/**
 * Makes the device as wanted; one that is there (`held`) and fits keeps its hardware address, and traffic through it
 * goes on. Gives its hardware address, and whether it is new: then there is nothing on it yet.
 */
export async function ensureVxlanDevice(
  ip: IpTool,
  wanted: VxlanDevice,
  held: Link | undefined,
): Promise<{ mac: string; isNew: boolean }> {
  const { name, vni, port, parent, local, mtu, address } = wanted;
  const link = held !== undefined && isSameDevice(held, wanted) ? held : undefined;
  const commands: string[][] = [];
  if (link === undefined) {
    if (held !== undefined) commands.push(['link', 'del', name]);
    const place = ['id', String(vni), 'dev', parent.ifname, 'local', local, 'dstport', String(port), 'nolearning'];
    commands.push(
      ['link', 'add', name, 'address', wanted.mac, 'mtu', String(mtu), 'type', 'vxlan', ...place],
      ['link', 'set', name, 'addrgenmode', 'none'],
    );
  } else if (link.mtu !== mtu) commands.push(['link', 'set', name, 'mtu', String(mtu)]);
  if (!link?.flags.includes('UP')) commands.push(['link', 'set', name, 'up']);
  // A single address: no broadcast or network route comes with it.
  const single = address.includes(':') ? 128 : 32;
  const has = (link?.addresses ?? []).filter((a) => a.scope === 'global');
  for (const a of has)
    if (a.address !== address || a.prefix !== single)
      commands.push(['addr', 'del', `${a.address}/${a.prefix}`, 'dev', name]);
  if (!has.some((a) => a.address === address && a.prefix === single))
    commands.push(['addr', 'add', `${address}/${single}`, 'dev', name, ...(single === 128 ? ['nodad'] : [])]);
  await ip.batch(commands);
  return { mac: link?.address ?? wanted.mac, isNew: link === undefined };
}
