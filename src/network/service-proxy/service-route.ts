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
  for (const cidr of serviceCidrs) {
    const family = ipFamily(cidr.split('/')[0] ?? '');
    const source = nodeIps.find((address) => ipFamily(address) === family);
    if (source === undefined) continue;
    const dev = family === 4 ? 'lo' : (await ip.addresses()).find((a) => a.address === source)?.ifname;
    if (dev === undefined) continue;
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
