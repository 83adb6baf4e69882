import { known, needed, optional } from './http.ts';
import type { DataSource } from './source.ts';

const base = 'http://169.254.169.254/latest';

/** Amazon EC2, by its metadata service's second version: a token first. */
export const aws: DataSource = {
  name: 'aws',
  network: true,
  fits: ({ sys_vendor, product_uuid, bios_version }) =>
    sys_vendor === 'Amazon EC2' || /amazon/i.test(bios_version) || /^ec2/i.test(product_uuid),
  async read({ http }) {
    const token = await needed(http, `${base}/api/token`, {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '300' },
    });
    const headers = { 'X-aws-ec2-metadata-token': token.toString().trim() };
    const text = async (path: string): Promise<string | undefined> =>
      (await optional(http, `${base}/meta-data/${path}`, { headers }))?.toString().trim();
    const keys: string[] = [];
    // one line per key: `0=name`
    for (const line of ((await text('public-keys/')) ?? '').split('\n').filter((line) => line !== '')) {
      const key = await text(`public-keys/${line.split('=')[0]}/openssh-key`);
      if (key !== undefined) keys.push(key);
    }
    return {
      from: 'aws',
      ...known({
        instanceId: await text('instance-id'),
        hostname: await text('local-hostname'),
        userData: await optional(http, `${base}/user-data`, { headers }),
      }),
      sshKeys: keys,
    };
  },
};
