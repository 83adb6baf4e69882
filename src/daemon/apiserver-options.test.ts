import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { withSettings } from './apiserver-options.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'knarr-admission-'));
});
after(() => rm(folder, { recursive: true }));

const limiting = (resource?: string) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'ResourceQuotaConfiguration',
  limitedResources: [{ resource }],
});
const pods = { limitedResources: [{ resource: 'pods' }] };

const cases: [string, object[], object | RegExp][] = [
  ['no plug-in', [], {}],
  ['a configuration beside the name', [{ name: 'ResourceQuota', configuration: limiting('pods') }], pods],
  ['a configuration in a file of its own', [{ name: 'ResourceQuota', path: 'quota.json' }], pods],
  [
    'two for one plug-in: the first holds',
    [{ name: 'ResourceQuota' }, { name: 'ResourceQuota', configuration: limiting('pods') }],
    {},
  ],
  ['a plug-in that nobody asks about', [{ name: 'EventRateLimit', path: 'nowhere' }], {}],
  [
    'a plug-in whose configuration would not be followed',
    [{ name: 'ValidatingAdmissionWebhook', path: 'hooks.json' }],
    /the plug-in ValidatingAdmissionWebhook cannot be configured; PodSecurity and ResourceQuota can/,
  ],
  [
    'a configuration with mistakes',
    [{ name: 'ResourceQuota', configuration: limiting() }],
    /couldn't init admission plugin "ResourceQuota": limitedResources\[0\]\.resource: Required value/,
  ],
];

for (const [name, plugins, expected] of cases)
  test(`admission configured by ${name}`, async () => {
    const admissionFile = join(folder, 'admission.json');
    await writeFile(join(folder, 'quota.json'), JSON.stringify(limiting('pods')));
    const file = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration', plugins };
    await writeFile(admissionFile, JSON.stringify(file));
    const options = { serviceAccounts: { signingKey: '', issuers: [], verificationKeys: [], audiences: [] } };
    const made = withSettings(options as unknown as Parameters<typeof withSettings>[0], { admissionFile });
    if (expected instanceof RegExp) await assert.rejects(made, expected);
    else assert.deepEqual((await made).admission, expected);
  });
