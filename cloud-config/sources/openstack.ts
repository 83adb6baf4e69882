import { asMap, asText, json, known, type Loose, needed, optional } from './http.ts';
import type { CloudData, DataSource } from './source.ts';

/** What `meta_data.json` says, on a config drive or over HTTP. */
export function openStackData(from: string, meta: Loose, userData: Buffer | undefined): CloudData {
  const keys = Object.values(asMap(meta.public_keys)).flatMap((key) => asText(key)?.trim() ?? []);
  return {
    from,
    ...known({ instanceId: asText(meta.uuid), hostname: asText(meta.hostname) ?? asText(meta.name), userData }),
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
    const url = `${base}/meta_data.json`;
    return openStackData('openstack', json(url, await needed(http, url)), await optional(http, `${base}/user_data`));
  },
};
