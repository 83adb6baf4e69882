import { asText, asTexts, json, known, needed, optional } from './http.ts';
import type { DataSource } from './source.ts';

const base = 'http://169.254.169.254';

/** Vultr. */
export const vultr: DataSource = {
  name: 'vultr',
  network: true,
  fits: ({ sys_vendor, cmdline }) => sys_vendor === 'Vultr' || /(^|\s)vultr(\s|$)/.test(cmdline),
  async read({ http }) {
    const url = `${base}/v1.json`;
    const data = json(url, await needed(http, url, { headers: { 'Metadata-Token': 'knarr' } }));
    const inside = asText(data['user-data']);
    return {
      from: 'vultr',
      ...known({
        instanceId: asText(data['instance-v2-id']) ?? asText(data.instanceid),
        hostname: asText(data.hostname),
        userData: inside === undefined ? await optional(http, `${base}/latest/user-data`) : Buffer.from(inside),
      }),
      sshKeys: asTexts(data['public-keys']),
    };
  },
};
