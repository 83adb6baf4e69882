import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import type { Host } from '../host.ts';
import { asMap, asText, asTexts, type Http, known, needed, optional } from './http.ts';
import { findLabelled, withMounted } from './seed-disk.ts';
import type { CloudData, DataSource } from './source.ts';

type Get = (file: string) => Promise<Buffer | undefined>;

/** `meta-data` names host and keys; it may be no YAML at all, which then says nothing. */
export function metaData(text: string): Pick<CloudData, 'instanceId' | 'hostname' | 'sshKeys'> & { seedFrom?: string } {
  let meta: ReturnType<typeof asMap>;
  try {
    meta = asMap(parse(text, { logLevel: 'error' }));
  } catch {
    return {};
  }
  const keys = meta['public-keys'] ?? meta.public_keys;
  const list = Array.isArray(keys) || typeof keys === 'string' ? keys : Object.values(asMap(keys)).flat();
  return known({
    instanceId: asText(meta['instance-id']),
    hostname: asText(meta['local-hostname']) ?? asText(meta.hostname),
    sshKeys: keys === undefined ? undefined : asTexts(list),
    seedFrom: asText(meta.seedfrom),
  });
}

async function seed(from: string, get: Get): Promise<CloudData & { seedFrom?: string }> {
  const meta = (await get('meta-data'))?.toString() ?? '';
  const network = (await get('network-config'))?.toString();
  return {
    from,
    ...metaData(meta),
    ...known({ userData: await get('user-data'), vendorData: await get('vendor-data'), network }),
  };
}

/** Files of a folder; a seed is there when its user-data or meta-data is. */
const folderReader =
  (host: Host, folder: string): Get =>
  (file) =>
    readFile(host.path(join(folder, file))).catch(() => undefined);

/** The URL of `ds=nocloud;s=URL` or `ds=nocloud-net;seedfrom=URL`, as the kernel or the serial number has it. */
function seedUrl(text: string): string | undefined {
  const settings = /(?:^|\s)"?ds=nocloud(?:-net)?;([^\s"]+)/i.exec(text)?.[1]?.split(';') ?? [];
  const url = settings.map((part) => /^(?:s|seedfrom)=(.+)$/.exec(part)?.[1]).find((found) => found !== undefined);
  return url !== undefined && /^https?:/.test(url) ? url : undefined;
}

/** A seed over HTTP: the files behind the URL as it is. */
async function readSeedUrl(http: Http, url: string): Promise<CloudData> {
  const at = (file: string): string => `${url}${file}`;
  return seed(`nocloud ${url}`, async (file) =>
    file === 'user-data' ? needed(http, at(file)) : await optional(http, at(file)),
  );
}

/** A volume labelled `cidata`, or the folder where images keep a seed. */
export const nocloud: DataSource = {
  name: 'nocloud',
  network: false,
  fits: () => true,
  async read({ host }) {
    for (const folder of ['/var/lib/cloud/seed/nocloud', '/var/lib/cloud/seed/nocloud-net']) {
      const found = await seed(folder, folderReader(host, folder));
      if (found.userData !== undefined || found.instanceId !== undefined) return found;
    }
    const device = await findLabelled(host, 'cidata');
    if (device === undefined) return undefined;
    return withMounted(host, device, (folder) => seed(basename(device), folderReader(host, folder)));
  },
};

/** The same over HTTP, for those that the kernel's command line or the serial number sends there. */
export const nocloudNet: DataSource = {
  name: 'nocloud',
  network: true,
  fits: ({ cmdline, product_serial }) => (seedUrl(cmdline) ?? seedUrl(product_serial)) !== undefined,
  async read({ http, facts }) {
    const url = seedUrl(facts.cmdline) ?? seedUrl(facts.product_serial);
    return url === undefined ? undefined : readSeedUrl(http, url);
  },
};
