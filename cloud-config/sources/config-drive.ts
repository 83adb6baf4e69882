import { readFile } from 'node:fs/promises';
import { json, type Loose } from './http.ts';
import { openStackData } from './openstack.ts';
import { findLabelled, withMounted } from './seed-disk.ts';
import type { DataSource } from './source.ts';

/** OpenStack's config drive: a volume labelled `config-2`. */
export const configDrive: DataSource = {
  name: 'configdrive',
  network: false,
  fits: () => true,
  async read({ host }) {
    const device = await findLabelled(host, 'config-2');
    if (device === undefined) return undefined;
    return withMounted(host, device, async (folder) => {
      const read = (file: string): Promise<Buffer | undefined> =>
        readFile(host.path(`${folder}/openstack/latest/${file}`)).catch(() => undefined);
      const described = async (file: string): Promise<Loose> => {
        const text = await read(file);
        return text === undefined ? {} : json(`${device}: ${file}`, text);
      };
      return openStackData('config drive', await described('meta_data.json'), {
        userData: await read('user_data'),
        network: await described('network_data.json'),
      });
    });
  },
};
