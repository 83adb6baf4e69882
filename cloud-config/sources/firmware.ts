import { readdir, readFile } from 'node:fs/promises';
import { known } from './http.ts';
import { metaData } from './nocloud.ts';
import type { CloudData, DataSource } from './source.ts';

function dataOf(from: string, user: Buffer | undefined, meta: Buffer | undefined): CloudData | undefined {
  if (user === undefined && meta === undefined) return undefined;
  return { from, ...metaData(meta?.toString() ?? ''), ...known({ userData: user }) };
}

/** QEMU's `-fw_cfg name=opt/knarr/user-data,file=…` and `opt/knarr/meta-data`. */
export const fwCfg: DataSource = {
  name: 'fwcfg',
  network: false,
  fits: ({ sys_vendor }) => sys_vendor === 'QEMU',
  async read({ host }) {
    const folder = '/sys/firmware/qemu_fw_cfg/by_name';
    const there = await readdir(host.path(folder)).catch(() => []);
    if (there.length === 0) await host.run('modprobe', ['-q', 'qemu_fw_cfg'], { okCodes: [0, 1] });
    const read = (name: string): Promise<Buffer | undefined> =>
      readFile(host.path(`${folder}/opt/knarr/${name}/raw`)).catch(() => undefined);
    return dataOf('fw_cfg', await read('user-data'), await read('meta-data'));
  },
};

/** The texts of an SMBIOS structure: behind its fixed part, each ended by a zero. */
function smbiosTexts(raw: Buffer): string[] {
  return raw
    .subarray(raw[1] ?? 0)
    .toString()
    .split('\0')
    .filter((text) => text !== '');
}

/** A credential as systemd takes it from SMBIOS, by its name. */
function credentialOf(texts: readonly string[], name: string): Buffer | undefined {
  for (const text of texts) {
    const match = /^io\.systemd\.credential(\.binary)?:([^=]+)=([\s\S]*)$/.exec(text);
    if (match?.[2] === name) return Buffer.from(match[3] ?? '', match[1] === undefined ? 'utf8' : 'base64');
  }
  return undefined;
}

/** OEM texts of SMBIOS: `-smbios type=11,value=io.systemd.credential.binary:knarr.user-data=BASE64`. */
export const smbios: DataSource = {
  name: 'smbios',
  network: false,
  fits: () => true,
  async read({ host }) {
    const folder = '/sys/firmware/dmi/entries';
    const entries = (await readdir(host.path(folder)).catch(() => [])).filter((name) => name.startsWith('11-')).sort();
    const texts: string[] = [];
    for (const entry of entries)
      texts.push(...smbiosTexts(await readFile(host.path(`${folder}/${entry}/raw`)).catch(() => Buffer.alloc(0))));
    return dataOf('smbios', credentialOf(texts, 'knarr.user-data'), credentialOf(texts, 'knarr.meta-data'));
  },
};
