import { cidrContains, formatCidr, formatIp, parseIp } from '../../../base/cidr.ts';
import type { AddressTaker } from './address-pool.ts';
import { outOfRange, usable } from './address-pool.ts';
import type { PortPool, PortTaker } from './port-pool.ts';

/** Upstream's answers where nothing may be taken: placeholders, and few questions asked. */

export const dryAddresses: AddressTaker = {
  take(address, networks) {
    const ip = parseIp(address);
    const network = networks[0];
    if (!ip || !network) return undefined;
    const { first, count } = usable(network);
    const inside = cidrContains(network, ip) && ip.value >= first && ip.value < first + count;
    return inside ? undefined : outOfRange(address, formatCidr(network));
  },
  takeAny: ([network]) => network && formatIp({ family: network.family, value: network.base }),
  release() {},
};

/** Above the usual range: what is shown is nobody's. */
const beforeFirst = 32_768;

export function dryPorts(pool: PortPool): PortTaker {
  const asked: number[] = [];
  const take = (port: number): string | undefined => {
    if (pool.has(port) || asked.includes(port)) return 'provided port is already allocated';
    asked.push(port);
    return undefined;
  };
  return {
    take,
    takeAny() {
      const last = asked.length > 0 ? Math.max(...asked) : beforeFirst;
      for (let port = last + 1; port < 100; port++) if (take(port) === undefined) return port;
      asked.push(last + 1);
      return last + 1;
    },
  };
}
