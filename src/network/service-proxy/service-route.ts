import { ipFamily } from '../../base/cidr.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { IpTool } from '../../host/ip.ts';

/**
 * Lets the node itself reach cluster addresses without a default route, and from its own address when it has several:
 * the kernel looks for a route before it translates. The route's interface is never used: what is not translated is
 * dropped. IPv6 refuses a route through the loopback interface, so there it is the interface of the node's address.
 */
export async function ensureServiceRoutes(options: {
  ip: IpTool;
  serviceCidrs: readonly string[];
  nodeIps: readonly string[];
  log: Logger;
}): Promise<void> {
  const { ip, serviceCidrs, nodeIps, log } = options;
  const addresses = await ip.addresses();
  for (const cidr of serviceCidrs) {
    const family = ipFamily(cidr.split('/')[0] ?? '');
    const source = nodeIps.find((address) => ipFamily(address) === family);
    const holder = addresses.find((a) => a.address === source);
    if (source === undefined || holder === undefined) continue;
    const dev = family === 4 ? 'lo' : holder.ifname;
    try {
      await ip.batch([['route', 'replace', cidr, 'dev', dev, 'src', source]]);
    } catch (error) {
      log.warn('no route to cluster addresses: the node reaches them by its default route only', {
        cidr,
        error: messageOf(error),
      });
    }
  }
}
