import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isApiError } from '../../api/status.ts';
import { startRegistry } from '../registry/testing.ts';
import { type LimitedResource, parseLimitedResources } from './limited-resources.ts';
import { resourceQuota } from './resource-quota.ts';
import { type Asked, attributes, refusalOf } from './testing.ts';

let server: Awaited<ReturnType<typeof startRegistry>>;
before(async () => {
  server = await startRegistry();
});
after(() => server.stop());

test('the configuration is read by its names, and refused with what is wrong', () => {
  const named = (apiVersion: string, kind: string, limitedResources: unknown) =>
    JSON.stringify({ apiVersion, kind, limitedResources });
  const limited = [{ apiGroup: 'apps', resource: 'deployments', matchContains: ['count/'] }];
  for (const [apiVersion, kind] of [
    ['apiserver.config.k8s.io/v1', 'ResourceQuotaConfiguration'],
    ['resourcequota.admission.k8s.io/v1beta1', 'Configuration'],
    ['resourcequota.admission.k8s.io/v1alpha1', 'Configuration'],
  ] as const)
    assert.deepEqual(parseLimitedResources(named(apiVersion, kind, limited)), limited);
  const wrong: [string, string, unknown, RegExp][] = [
    ['apiserver.config.k8s.io/v1', 'Configuration', [], /no kind "Configuration" is registered for version/],
    ['resourcequota.admission.k8s.io/v1', 'Configuration', [], /no kind "Configuration" is registered for version/],
    ['apiserver.config.k8s.io/v1', 'ResourceQuotaConfiguration', [{ verb: 'x' }], /unknown field "limitedResources/],
    [
      'apiserver.config.k8s.io/v1',
      'ResourceQuotaConfiguration',
      [{}, { resource: '' }],
      /^KnarrError: couldn't init admission plugin "ResourceQuota": \[limitedResources\[0\]\.resource: Required value, limitedResources\[1\]\.resource: Required value\]$/,
    ],
  ];
  for (const [apiVersion, kind, list, why] of wrong)
    assert.throws(() => parseLimitedResources(named(apiVersion, kind, list)), why);
});

const claimsOfGold: LimitedResource = {
  resource: 'persistentvolumeclaims',
  matchContains: ['gold.storageclass.storage.k8s.io/'],
};
const critical: LimitedResource = {
  resource: 'pods',
  matchScopes: [{ scopeName: 'PriorityClass', operator: 'In', values: ['critical', 'high'] }],
};
const claim = (storageClassName: string, storage = '1Gi') => ({
  on: '/persistentvolumeclaims',
  object: { metadata: { name: 'c' }, spec: { storageClassName, resources: { requests: { storage } } } },
});
const pod = (priorityClassName: string) => ({
  on: '/pods',
  object: { metadata: { name: 'p' }, spec: { priorityClassName, containers: [{ name: 'c' }] } },
});
const ofGold = 'gold.storageclass.storage.k8s.io/persistentvolumeclaims';
const storageOfGold = 'gold.storageclass.storage.k8s.io/requests.storage';

const scopes = [{ scopeName: 'PriorityClass', operator: 'In', values: ['critical'] }];
const cases: { name: string; quota?: object; asked: Asked; told?: string }[] = [
  { name: 'nothing limited is used', asked: claim('silver') },
  {
    name: 'no quota at all',
    asked: claim('gold'),
    told: `insufficient quota to consume: ${ofGold},${storageOfGold}`,
  },
  {
    name: 'a quota covers a part',
    quota: { hard: { [ofGold]: '5' } },
    asked: claim('gold'),
    told: `insufficient quota to consume: ${storageOfGold}`,
  },
  { name: 'a quota covers all', quota: { hard: { [ofGold]: '5', [storageOfGold]: '5Gi' } }, asked: claim('gold') },
  {
    name: 'an update that adds nothing',
    asked: { ...claim('gold'), operation: 'UPDATE', oldObject: claim('gold').object },
  },
  { name: 'a pod in no limited scope', asked: pod('low') },
  {
    name: 'a pod in a limited scope',
    quota: { hard: { pods: '5' } },
    asked: pod('high'),
    told: 'insufficient quota to match these scopes: [{PriorityClass In [critical high]}]',
  },
  {
    name: 'a pod in a scope that a quota covers',
    quota: { hard: { pods: '5' }, scopeSelector: { matchExpressions: scopes } },
    asked: pod('critical'),
  },
];

for (const { name, quota, asked, told } of cases)
  test(`what only quotas allow: ${name}`, async () => {
    const quotas = server.use('', 'resourcequotas');
    if (quota) {
      const { hard } = (await quotas.create<{ spec: { hard: Record<string, string> } }>('q', { spec: quota })).spec;
      const used = Object.fromEntries(Object.keys(hard).map((bound) => [bound, '0']));
      await quotas.merge('q', { status: { hard, used } }, 'status');
    }
    try {
      const plugin = resourceQuota({ registry: () => server.registry }, [claimsOfGold, critical]);
      assert.equal(await refusalOf(plugin, attributes({ ...asked, namespace: 'default' })), told);
    } finally {
      if (quota) await quotas.delete('q');
    }
  });

test('scopes without a quota are no plain refusal', async () => {
  const plugin = resourceQuota({ registry: () => server.registry }, [critical]);
  const asked = attributes({ ...pod('high'), namespace: 'default' });
  await assert.rejects(
    async () => plugin.validate?.(asked),
    (error) => isApiError(error) && error.status.code === 500,
  );
});
