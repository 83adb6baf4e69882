import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { parse } from 'yaml';
import { systemCode } from '../../src/base/errors.ts';
import type { Host } from '../host.ts';
import { asMap, asText, known } from './http.ts';
import { metaData } from './nocloud.ts';
import type { DataSource } from './source.ts';

const unzip = promisify(gunzip);

async function decoded(value: string, encoding: string): Promise<Buffer> {
  switch (encoding) {
    case 'base64':
    case 'b64':
      return Buffer.from(value, 'base64');
    case 'gzip+base64':
    case 'gz+b64':
      return unzip(Buffer.from(value, 'base64'));
    default:
      return Buffer.from(value);
  }
}

/** One value of guestinfo, by whichever of the two programs the image has. */
async function guestInfo(host: Host, key: string): Promise<Buffer | undefined> {
  const ask = async (name: string): Promise<string> => {
    const command = `info-get guestinfo.${name}`;
    for (const [program, args] of [
      ['vmware-rpctool', [command]],
      ['vmtoolsd', ['--cmd', command]],
    ] as const) {
      try {
        const { code, stdout } = await host.run(program, args, { okCodes: [0, 1], timeoutMs: 5_000 });
        return code === 0 ? stdout.replace(/\n$/, '') : '';
      } catch (error) {
        if (systemCode((error as Error).cause) !== 'ENOENT') throw error;
      }
    }
    throw new Error('this image has neither vmware-rpctool nor vmtoolsd: build it with the package open-vm-tools');
  };
  const value = await ask(key);
  return value === '' || value === '---' ? undefined : decoded(value, await ask(`${key}.encoding`));
}

/** VMware: what the hypervisor keeps under `guestinfo.userdata`, `.metadata` and `.vendordata`. */
export const vmware: DataSource = {
  name: 'vmware',
  network: false,
  fits: ({ product_name }) => product_name.startsWith('VMware'),
  async read({ host }) {
    const userData = await guestInfo(host, 'userdata');
    const meta = await guestInfo(host, 'metadata');
    const vendorData = await guestInfo(host, 'vendordata');
    if (userData === undefined && meta === undefined) return undefined;
    const map = asMap(parse(meta?.toString() ?? ''));
    const inside = asText(map.network);
    const network =
      inside === undefined
        ? map.network === undefined
          ? undefined
          : JSON.stringify(map.network)
        : (await decoded(inside, asText(map['network.encoding']) ?? '')).toString();
    return { from: 'vmware', ...metaData(meta?.toString() ?? ''), ...known({ userData, vendorData, network }) };
  },
};
