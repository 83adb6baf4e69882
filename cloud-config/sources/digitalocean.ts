import { asText, asTexts, json, known, needed } from './http.ts';
import type { DataSource } from './source.ts';

const url = 'http://169.254.169.254/metadata/v1.json';

/** DigitalOcean: everything in one document. */
export const digitalocean: DataSource = {
  name: 'digitalocean',
  network: true,
  fits: ({ sys_vendor }) => sys_vendor === 'DigitalOcean',
  async read({ http }) {
    const data = json(url, await needed(http, url));
    const user = asText(data.user_data);
    return {
      from: 'digitalocean',
      ...known({
        instanceId: asText(data.droplet_id),
        hostname: asText(data.hostname),
        userData: user === undefined ? undefined : Buffer.from(user),
      }),
      sshKeys: asTexts(data.public_keys),
    };
  },
};
