import { parse } from 'yaml';
import { asMap, asText, asTexts, known, type Loose, needed, optional } from './http.ts';
import { fromVersion1 } from './network-config.ts';
import type { DataSource } from './source.ts';

const base = 'http://169.254.169.254/hetzner/v1';

/**
 * Its network: a fixed address of IPv6, which nobody announces, and IPv4 by DHCP. The port has had a name and a lease since
 * before this could be asked, and keeps both; without the lease it could not be asked at the next boot.
 */
function networkOf(given: Loose): string | undefined {
  if (asText(given.version) !== '1') return Object.keys(given).length === 0 ? undefined : JSON.stringify(given);
  const { ethernets, ...others } = fromVersion1(given);
  const ports = Object.entries(asMap(ethernets)).map(([name, port]) => {
    const { 'set-name': _, ...settings } = asMap(port);
    return [name, { ...settings, dhcp4: true, 'dhcp-identifier': 'mac' }];
  });
  return JSON.stringify({ ...others, ethernets: Object.fromEntries(ports) });
}

/** Hetzner Cloud: metadata in YAML. */
export const hetzner: DataSource = {
  name: 'hetzner',
  network: true,
  fits: ({ sys_vendor }) => sys_vendor === 'Hetzner',
  async read({ http }) {
    const data = asMap(parse((await needed(http, `${base}/metadata`)).toString()));
    return {
      from: 'hetzner',
      ...known({
        instanceId: asText(data['instance-id']),
        hostname: asText(data.hostname),
        userData: await optional(http, `${base}/userdata`),
        network: networkOf(asMap(data['network-config'])),
      }),
      sshKeys: asTexts(data['public-keys']),
    };
  },
};
