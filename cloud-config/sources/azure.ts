import { readdir, readFile } from 'node:fs/promises';
import { asMap, asText, json, known, needed } from './http.ts';
import { withMounted } from './seed-disk.ts';
import type { Asking, CloudData, DataSource } from './source.ts';

const tag = '7783-7084-3265-9085-8269-3286-77';
const instance = 'http://169.254.169.254/metadata/instance?api-version=2021-08-01&format=json';
const wire = 'http://168.63.129.16/machine';

const element = (xml: string, name: string): string | undefined =>
  new RegExp(`<(?:\\w+:)?${name}[^>]*>([^<]*)</`).exec(xml)?.[1]?.trim() || undefined;
const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** What `ovf-env.xml` on the provisioning disc says. */
export function ovfData(xml: string): CloudData {
  const custom = element(xml, 'CustomData');
  const hostname = element(xml, 'HostName');
  return {
    from: 'azure',
    ...known({
      hostname: hostname === undefined ? undefined : unescaped(hostname),
      userData: custom === undefined ? undefined : Buffer.from(custom, 'base64'),
    }),
  };
}

/** The disc; Azure takes it away once the machine has said that it is ready. */
async function fromDisc(asking: Asking): Promise<CloudData | undefined> {
  const { host } = asking;
  const discs = (await readdir(host.path('/sys/class/block')).catch(() => [])).filter((name) => /^sr\d+$/.test(name));
  for (const name of discs.sort()) {
    const xml = await withMounted(host, `/dev/${name}`, (folder) =>
      readFile(host.path(`${folder}/ovf-env.xml`), 'utf8'),
    ).catch(() => undefined);
    if (xml !== undefined) return ovfData(xml);
  }
  return undefined;
}

/** A virtual machine that never says that it is ready counts as failed after twenty minutes. */
async function reportReady({ http }: Pick<Asking, 'http'>): Promise<void> {
  const headers = { 'x-ms-version': '2012-11-30' };
  const goal = (await needed(http, `${wire}/?comp=goalstate`, { headers })).toString();
  const part = (name: string): string => element(goal, name) ?? '';
  const body = `<?xml version="1.0" encoding="utf-8"?><Health><GoalStateIncarnation>${part('Incarnation')}</GoalStateIncarnation><Container><ContainerId>${part('ContainerId')}</ContainerId><RoleInstanceList><Role><InstanceId>${part('InstanceId')}</InstanceId><Health><State>Ready</State></Health></Role></RoleInstanceList></Container></Health>`;
  await needed(http, `${wire}?comp=health`, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'text/xml; charset=utf-8' },
    body,
  });
}

/** Microsoft Azure: the provisioning disc's custom data, and the metadata service. */
export const azure: DataSource = {
  name: 'azure',
  network: true,
  fits: ({ chassis_asset_tag }) => chassis_asset_tag === tag,
  async read(asking) {
    const disc = await fromDisc(asking);
    const compute = asMap(
      json(instance, await needed(asking.http, instance, { headers: { Metadata: 'true' } })).compute,
    );
    const keys = Array.isArray(compute.publicKeys) ? compute.publicKeys : [];
    const user = asText(compute.userData);
    // without the report the machine runs all the same
    await reportReady(asking).catch(() => {});
    return {
      from: 'azure',
      ...known({
        instanceId: asText(compute.vmId),
        hostname: disc?.hostname ?? asText(asMap(compute.osProfile).computerName) ?? asText(compute.name),
        userData: disc?.userData ?? (user === undefined ? undefined : Buffer.from(user, 'base64')),
      }),
      sshKeys: keys.flatMap((key) => asText(asMap(key).keyData)?.trim() ?? []),
    };
  },
};
