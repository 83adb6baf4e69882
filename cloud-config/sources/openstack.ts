import { asMap, asText, json, known, type Loose, needed, optional } from './http.ts';
import { fromNetworkData } from './openstack-network.ts';
import type { CloudData, DataSource } from './source.ts';

/** What `meta_data.json` and `network_data.json` say, on a config drive or over HTTP. */
export function openStackData(
  from: string,
  meta: Loose,
  { userData, network }: { userData: Buffer | undefined; network: Loose },
): CloudData {
  const described = fromNetworkData(network);
  const keys = Object.values(asMap(meta.public_keys)).flatMap((key) => asText(key)?.trim() ?? []);
  return {
    from,
    ...known({
      instanceId: asText(meta.uuid),
      hostname: asText(meta.hostname) ?? asText(meta.name),
      userData,
      network: described === undefined ? undefined : JSON.stringify(described),
    }),
    sshKeys: keys,
  };
}

const base = 'http://169.254.169.254/openstack/latest';

/** OpenStack's metadata service. */
export const openstack: DataSource = {
  name: 'openstack',
  network: true,
  fits: ({ product_name, chassis_asset_tag }) =>
    ['OpenStack Nova', 'OpenStack Compute', 'RDO OpenStack Compute'].includes(product_name) ||
    ['OpenTelekomCloud', 'HUAWEICLOUD', 'SAP CCloud VM', 'Samsung Cloud Platform'].includes(chassis_asset_tag),
  async read({ http }) {
    const [meta, network] = [`${base}/meta_data.json`, `${base}/network_data.json`];
    const described = await optional(http, network);
    return openStackData('openstack', json(meta, await needed(http, meta)), {
      userData: await optional(http, `${base}/user_data`),
      network: described === undefined ? {} : json(network, described),
    });
  },
};
