import { asMap, asText, json, known, needed, optional } from './http.ts';
import type { DataSource } from './source.ts';

const base = 'http://169.254.42.42';
/** User-data is shown only to a port that root alone may have. */
const localPorts = Array.from({ length: 20 }, (_, index) => 900 + index);

/** Scaleway. */
export const scaleway: DataSource = {
  name: 'scaleway',
  network: true,
  fits: ({ sys_vendor, cmdline }) => sys_vendor === 'Scaleway' || /(^|\s)scaleway(\s|$)/.test(cmdline),
  async read({ http }) {
    const url = `${base}/conf?format=json`;
    const data = json(url, await needed(http, url));
    const keys = Array.isArray(data.ssh_public_keys) ? data.ssh_public_keys : [];
    return {
      from: 'scaleway',
      ...known({
        instanceId: asText(data.id),
        hostname: asText(data.hostname),
        userData: await optional(http, `${base}/user_data/cloud-init`, { localPorts }),
      }),
      sshKeys: keys.flatMap((key) => asText(asMap(key).key) ?? []),
    };
  },
};
