import { cidrContains, parseCidr, parseIp } from '../../base/cidr.ts';
import { KnarrError } from '../../base/errors.ts';
import type { IpTool } from '../../host/ip.ts';

/** The node's addresses inside the given networks, loopback excepted: those that answer on node ports. */
export async function nodePortAddresses(ip: IpTool, family: 4 | 6, cidrs: readonly string[]): Promise<string[]> {
  const networks = cidrs.map((text) => {
    const cidr = parseCidr(text);
    if (!cidr)
      throw new KnarrError({ code: 'bad-cidr', blame: 'user', message: `Not a network for node ports: ${text}` });
    return cidr;
  });
  const addresses = await ip.addresses();
  return addresses
    .filter((a) => a.family === family && a.scope === 'global')
    .map((a) => a.address)
    .filter((text) => {
      const address = parseIp(text);
      return address !== undefined && networks.some((network) => cidrContains(network, address));
    });
}
