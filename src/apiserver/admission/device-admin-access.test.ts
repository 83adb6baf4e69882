import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notFound } from '../../api/status.ts';
import { deviceAdminAccess } from './device-admin-access.ts';
import type { AdmissionContext } from './plugin.ts';
import { type Asked, attributes } from './testing.ts';

const label = 'resource.kubernetes.io/admin-access';
const labels: Record<string, Record<string, string>> = { admin: { [label]: 'true' }, other: { [label]: 'yes' } };
const context = {
  registry: () => ({
    store: () => ({
      get: async ({ name }: { name: string }) => {
        if (!labels[name]) throw notFound({ group: '', resource: 'namespaces' }, name);
        return { object: { metadata: { name, labels: labels[name] } } };
      },
    }),
  }),
} as unknown as AdmissionContext;

async function refused(asked: Asked): Promise<string | undefined> {
  try {
    await deviceAdminAccess(context).validate?.(attributes(asked));
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/: Forbidden: admin access to devices requires the .*$/, '');
  }
}

const claim = (namespace: string, spec: object, status = {}) => ({ metadata: { name: 'c', namespace }, spec, status });
const on = 'resource.k8s.io/resourceclaims';
const devices = { requests: [{ name: 'a' }, { name: 'b', exactly: { adminAccess: true } }] };
const granted = { allocation: { devices: { results: [{ adminAccess: true }] } } };

test('only namespaces with the label get at devices that others use', async () => {
  const begin = 'Kind.resource.k8s.io "c" is invalid:';
  const at = `${begin} spec.devices.requests[1].adminAccess`;
  assert.equal(await refused({ on, object: claim('other', { devices: { requests: [{ exactly: {} }] } }) }), undefined);
  assert.equal(await refused({ on, object: claim('other', { devices: { requests: null } }) }), undefined);
  assert.equal(await refused({ on, object: claim('admin', { devices }) }), undefined);
  assert.equal(await refused({ on, object: claim('other', { devices }) }), at);
  assert.equal(
    await refused({ on: `resource.k8s.io/resourceclaimtemplates`, object: claim('other', { spec: { devices } }) }),
    at,
  );
  const update = (status: object, old: object) =>
    refused({
      on: `${on}/status`,
      operation: 'UPDATE',
      object: claim('other', { devices }, status),
      oldObject: claim('other', { devices }, old),
    });
  assert.equal(await update(granted, {}), `${begin} status.allocation.devices.results[0].adminAccess`);
  assert.equal(await update(granted, granted), undefined);
  assert.equal(await update({}, granted), undefined);
});
