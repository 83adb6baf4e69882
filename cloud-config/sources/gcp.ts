import { known, optional } from './http.ts';
import type { DataSource } from './source.ts';

const base = 'http://169.254.169.254/computeMetadata/v1';

/** Keys of `user:ssh-ed25519 AAAA… comment` lines that have not expired. */
export function keysOf(lines: string, now: Date): string[] {
  return lines.split('\n').flatMap((line) => {
    const key = line.slice(line.indexOf(':') + 1).trim();
    if (!/^(ssh|ecdsa|sk)-/.test(key)) return [];
    const expires = /google-ssh (\{.*\})/.exec(key)?.[1];
    const until = expires === undefined ? undefined : /"expireOn":\s*"([^"]+)"/.exec(expires)?.[1];
    return until !== undefined && new Date(until.replace('+0000', 'Z')) < now ? [] : [key];
  });
}

/** Google Compute Engine. */
export const gcp: DataSource = {
  name: 'gcp',
  network: true,
  fits: ({ product_name }) => product_name === 'Google Compute Engine' || product_name === 'Google',
  async read({ http }) {
    const get = async (path: string): Promise<Buffer | undefined> =>
      optional(http, `${base}/${path}`, { headers: { 'Metadata-Flavor': 'Google' } });
    const text = async (path: string): Promise<string | undefined> => (await get(path))?.toString().trim();
    const ofProject = (await text('instance/attributes/block-project-ssh-keys'))?.toLowerCase() !== 'true';
    const keys = [
      await text('instance/attributes/ssh-keys'),
      ofProject ? await text('project/attributes/ssh-keys') : undefined,
    ];
    const coded = (await text('instance/attributes/user-data-encoding')) === 'base64';
    const given = (await get('instance/attributes/user-data')) ?? (await get('instance/attributes/userdata'));
    return {
      from: 'gcp',
      ...known({
        instanceId: await text('instance/id'),
        hostname: await text('instance/hostname'),
        userData: coded && given !== undefined ? Buffer.from(given.toString(), 'base64') : given,
      }),
      sshKeys: keysOf(keys.join('\n'), new Date()),
    };
  },
};
