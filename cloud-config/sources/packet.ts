import { asText, asTexts, json, known, needed, optional } from './http.ts';
import type { DataSource } from './source.ts';

const base = 'https://metadata.platformequinix.com';

/** Equinix Metal, once Packet: bare metal, whose hardware does not tell whose it is; so it must be named. */
export const packet: DataSource = {
  name: 'packet',
  network: true,
  fits: () => false,
  async read({ http }) {
    const url = `${base}/metadata`;
    const data = json(url, await needed(http, url));
    return {
      from: 'packet',
      ...known({
        instanceId: asText(data.id),
        hostname: asText(data.hostname),
        userData: await optional(http, `${base}/userdata`),
      }),
      sshKeys: asTexts(data.ssh_keys),
    };
  },
};
