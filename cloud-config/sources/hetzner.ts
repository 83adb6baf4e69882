import { parse } from 'yaml';
import { asMap, asText, asTexts, known, needed, optional } from './http.ts';
import type { DataSource } from './source.ts';

const base = 'http://169.254.169.254/hetzner/v1';

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
      }),
      sshKeys: asTexts(data['public-keys']),
    };
  },
};
