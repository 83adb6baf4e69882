import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { messageOf } from '../../src/base/errors.ts';
import type { Host } from '../host.ts';
import { mergeConfigs } from '../merge.ts';
import type { Parsed } from '../parse.ts';
import type { CloudConfig } from '../schema.ts';
import { parseUserData } from '../user-data.ts';
import { aws } from './aws.ts';
import { azure } from './azure.ts';
import { configDrive } from './config-drive.ts';
import { digitalocean } from './digitalocean.ts';
import { type Facts, readFacts } from './facts.ts';
import { fwCfg, smbios } from './firmware.ts';
import { gcp } from './gcp.ts';
import { hetzner } from './hetzner.ts';
import { fetchHttp, type Http } from './http.ts';
import { parseNetworkConfig } from './network-config.ts';
import { nocloud, nocloudNet } from './nocloud.ts';
import { openstack } from './openstack.ts';
import { packet } from './packet.ts';
import { scaleway } from './scaleway.ts';
import type { CloudData, DataSource } from './source.ts';
import { vmware } from './vmware.ts';
import { vultr } from './vultr.ts';

/** Every data source, in the order in which they are asked; the first that is there counts. */
export const dataSources: readonly DataSource[] = [
  nocloud,
  configDrive,
  fwCfg,
  smbios,
  vmware,
  nocloudNet,
  aws,
  azure,
  digitalocean,
  gcp,
  hetzner,
  openstack,
  packet,
  scaleway,
  vultr,
];

/** Those to ask: the named ones in their order (`cdrom` is both kinds of seed disk), else those that the hardware fits. */
export function chosenSources(facts: Facts, named: readonly string[] | undefined): DataSource[] {
  if (named === undefined || named.length === 0) return dataSources.filter((source) => source.fits(facts));
  const names = named.flatMap((name) => (name === 'cdrom' ? ['nocloud', 'configdrive'] : [name]));
  return names.flatMap((name) => dataSources.filter((source) => source.name === name));
}

/** What the cloud says, as configurations: the provider's, the network, what the user says, weakest first. */
export function configsOf(data: CloudData): Parsed[] {
  const vendor = data.vendorData === undefined ? [] : [parseUserData(`${data.from}: vendor-data`, data.vendorData)];
  const network = data.network === undefined ? [] : [parseNetworkConfig(`${data.from}: network-config`, data.network)];
  const user = parseUserData(`${data.from}: user-data`, data.userData ?? '');
  const keys = data.sshKeys ?? [];
  const meta: CloudConfig = {
    ...(data.hostname === undefined || user.config.hostname !== undefined ? {} : { hostname: data.hostname }),
    ...(keys.length === 0 || user.config.ssh_authorized_keys !== undefined ? {} : { ssh_authorized_keys: [...keys] }),
  };
  return [...vendor, { config: meta, problems: [] }, ...network, user];
}

/** The answer of the network's data source, kept for boots without it. */
const keptFile = '/var/lib/knarr/cloud-data.json';

interface Kept {
  machine: string;
  data: Omit<CloudData, 'userData' | 'vendorData'> & { userData?: string; vendorData?: string };
}

export async function keep(host: Host, facts: Facts, data: CloudData): Promise<boolean> {
  const { userData, vendorData, ...rest } = data;
  const kept: Kept = {
    machine: facts.product_uuid,
    data: {
      ...rest,
      ...(userData === undefined ? {} : { userData: userData.toString('base64') }),
      ...(vendorData === undefined ? {} : { vendorData: vendorData.toString('base64') }),
    },
  };
  const text = JSON.stringify(kept);
  if (text === (await readFile(host.path(keptFile), 'utf8').catch(() => ''))) return false;
  await writeFileAtomic(host.path(keptFile), text, { mode: 0o600 });
  return true;
}

/** What was kept, unless the disk has moved to another machine since. */
async function readKept(host: Host, facts: Facts): Promise<CloudData | undefined> {
  const text = await readFile(host.path(keptFile), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { machine, data } = JSON.parse(text) as Kept;
  if (machine !== facts.product_uuid) return undefined;
  const { userData, vendorData, ...rest } = data;
  return {
    ...rest,
    ...(userData === undefined ? {} : { userData: Buffer.from(userData, 'base64') }),
    ...(vendorData === undefined ? {} : { vendorData: Buffer.from(vendorData, 'base64') }),
  };
}

interface Choice {
  host: Host;
  named: readonly string[] | undefined;
  http?: Http;
  network: boolean;
}

/** Asks the sources that do, or do not, need the network. What one that fails says is told, and the next is asked. */
export async function askSources({ host, named, http = fetchHttp, network }: Choice): Promise<{
  data?: CloudData;
  problems: Parsed['problems'];
  facts: Facts;
}> {
  const facts = await readFacts(host);
  const problems: Parsed['problems'] = [];
  for (const source of chosenSources(facts, named)) {
    if (source.network !== network) continue;
    try {
      const data = await source.read({ host, http, facts });
      if (data !== undefined) return { data, problems, facts };
    } catch (error) {
      problems.push({ source: source.name, key: '', message: messageOf(error) });
    }
  }
  return { problems, facts };
}

/** The sources that answer before there is a network, else what the network's said the last time. */
export async function readCloud(host: Host, local: readonly Parsed[]): Promise<Parsed[]> {
  const named = mergeConfigs(local.map(({ config }) => config)).k3os?.data_sources;
  const { data, problems, facts } = await askSources({ host, named, network: false });
  const found = data ?? (await readKept(host, facts));
  return [{ config: {}, problems }, ...(found === undefined ? [] : configsOf(found))];
}
