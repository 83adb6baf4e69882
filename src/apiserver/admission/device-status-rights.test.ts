import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { isApiError } from '../../api/status.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { dropDeallocated } from '../registry/strategies/deallocated-devices.ts';
import { startRegistry } from '../registry/testing.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { deviceStatusRights } from './device-status-rights.ts';
import { attributes } from './testing.ts';

/** Rights as `verb resource/subresource namespace/name`. */
const having = (rights: readonly string[], later = false): Authorizer => ({
  authorize(_user, { verb, subresource, namespace, name }) {
    const allowed = rights.includes(`${verb} ${subresource} ${namespace}/${name}`);
    const decision = { allowed, reason: allowed ? '' : 'no rule' };
    return later ? Promise.resolve(decision) : decision;
  },
});

const device = (driver: string, more = {}) => ({ driver, pool: 'p', device: 'd', ...more });
const onNode = (node: string) => ({
  nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
});
const allocation = { devices: { results: [{ request: 'r', ...device('a') }] }, nodeSelector: onNode('n1') };
const claim = (status: object) => ({ metadata: { name: 'c', namespace: 'ns' }, spec: {}, status });
const account = (...nodes: string[]) => ({
  name: 'system:serviceaccount:ns:agent',
  groups: [],
  extra: { 'authentication.kubernetes.io/node-name': nodes },
});

async function refused(
  authorizer: Authorizer,
  [before, now]: readonly [object, object],
  more: { isPatch?: boolean; user?: ReturnType<typeof account> } = {},
): Promise<string[]> {
  const [object, oldObject, user] = [claim(now), claim(before), more.user ?? account()];
  const asked = { on: 'resource.k8s.io/resourceclaims/status', operation: 'UPDATE', object, oldObject, user } as const;
  try {
    await deviceStatusRights(authorizer).validate?.({ ...attributes(asked), isPatch: more.isPatch });
    return [];
  } catch (error) {
    if (!isApiError(error, 'Invalid')) throw error;
    const causes: readonly StatusCause[] = error.status.details?.causes ?? [];
    return causes.map(({ field, message }) => `${field}: ${message}`);
  }
}

test('what is allocated, and to whom, is the right of schedulers', async () => {
  const bind = [{}, { allocation }] as const;
  const why = (verb: string) =>
    `status.allocation: Forbidden: changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="${verb}" permission: resourceclaims.resource.k8s.io is forbidden: User "system:serviceaccount:ns:agent" cannot ${verb} resource "resourceclaims/binding" in API group "resource.k8s.io" at the cluster scope: no rule`;
  for (const later of [false, true]) {
    assert.deepEqual(await refused(having([], later), bind), [why('update')]);
    assert.deepEqual(await refused(having(['update binding /'], later), bind), []);
    assert.deepEqual(await refused(having(['update binding /'], later), bind, { isPatch: true }), [why('patch')]);
  }
  const reserved = { allocation, reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] };
  assert.equal((await refused(having([]), [{ allocation }, reserved])).length, 1);
  assert.deepEqual(await refused(having([]), [reserved, structuredClone(reserved)]), []);
});

test('what is told of devices is the right of their drivers, where the claim is or anywhere', async () => {
  const told = [
    { allocation, devices: [device('a'), device('b'), device('c')] },
    { allocation, devices: [device('b', { data: {} }), device('c'), device('d', { shareID: 's' })] },
  ] as const;
  const drivers = ['a', 'b', 'd'];
  const fields = (prefix: string) => drivers.map((driver) => `${prefix}:update driver ns/${driver}`);
  assert.deepEqual(await refused(having(fields('arbitrary-node')), told), []);
  assert.equal((await refused(having(fields('associated-node')), told)).length, 3);
  assert.equal((await refused(having(fields('associated-node')), told, { user: account('n2') })).length, 3);
  assert.deepEqual(await refused(having(fields('associated-node')), told, { user: account('n1') }), []);
  assert.deepEqual(await refused(having(fields('arbitrary-node').slice(1)), told, { user: account('n1') }), [
    'status.devices: Forbidden: changing status.devices requires resource="resourceclaims/driver", verb="[associated-node:update arbitrary-node:update]" permission: resourceclaims.resource.k8s.io "a" is forbidden: User "system:serviceaccount:ns:agent" cannot associated-node:update resource "resourceclaims/driver" in API group "resource.k8s.io" in the namespace "ns": no rule',
  ]);
});

test('what is told of devices goes with their allocation', () => {
  const after = (now: object) => {
    const object = claim(structuredClone(now)) as never;
    dropDeallocated(object, claim({ allocation }) as never, { subresource: 'status' } as never);
    return (object as { status: { devices?: unknown } }).status.devices;
  };
  assert.equal(after({ devices: [device('a')] }), undefined);
  assert.deepEqual(after({ devices: [device('a'), device('a', { shareID: 's' })] }), [device('a', { shareID: 's' })]);
  assert.deepEqual(after({ allocation, devices: [device('a')] }), [device('a')]);
});

test('a patch is told from an update, and devices without an allocation are not kept', async () => {
  const seen: unknown[] = [];
  const admission = {
    mutate: () => false,
    validate: ({ subresource, isPatch = false, object }: AdmissionAttributes) => {
      if (subresource) seen.push(isPatch, (object as { status?: { devices?: unknown } }).status?.devices);
    },
  };
  const { use, stop } = await startRegistry({ admission });
  const claims = use('resource.k8s.io', 'resourceclaims');
  const created = await claims.create('c', {
    spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'x' } }] } },
  });
  await claims.put('c', { ...created, status: { allocation, devices: [device('a')] } }, 'status');
  await claims.merge('c', { status: { allocation: null } }, 'status');
  assert.deepEqual(seen, [false, [device('a')], true, undefined]);
  await stop();
});
