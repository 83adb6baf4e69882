import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectMeta } from '../../api/gen/meta-v1.ts';
import { pods } from '../../api/gen/resources.ts';
import { notFound } from '../../api/status.ts';
import type { Client } from '../../client/client.ts';
import type { ServedResource } from '../runtime/discovery.ts';
import { createCollector } from './collect.ts';
import { createGraph, type Item } from './graph.ts';

const served = { ...pods, verbs: [] } as ServedResource;
const ref = (uid: string, blockOwnerDeletion = true): NonNullable<ObjectMeta['ownerReferences']>[number] => ({
  apiVersion: 'v1',
  kind: 'Pod',
  name: uid,
  uid,
  blockOwnerDeletion,
});
const meta = (uid: string, extra: Partial<ObjectMeta> = {}): ObjectMeta => ({
  name: uid,
  namespace: 'ns',
  uid,
  resourceVersion: '1',
  ...extra,
});

/** Runs everything that the graph asks for, and tells what was done to the world. */
async function collect(objects: ObjectMeta[], gone: string[] = [], live: string[] = []): Promise<string[]> {
  const done: string[] = [];
  const checks = new Set<Item>();
  const releases = new Set<Item>();
  const graph = createGraph({ check: (i) => checks.add(i), release: (i) => releases.add(i) });
  const client = {
    async get(_resource: unknown, name: string) {
      if (live.includes(name)) return { metadata: meta(name) };
      throw notFound(served, name);
    },
    async delete(_resource: unknown, name: string, options: { propagationPolicy?: string }) {
      done.push(`delete ${name} ${options.propagationPolicy}`);
    },
    async patch(_resource: unknown, name: string, patch: { body: { metadata: ObjectMeta } }) {
      const { ownerReferences, finalizers } = patch.body.metadata;
      const owners =
        ownerReferences === undefined ? '' : ` owners=${(ownerReferences ?? []).map((r) => r.uid).join(',')}`;
      done.push(`patch ${name}${owners}${finalizers ? ` finalizers=${finalizers.join(',')}` : ''}`);
    },
  } as unknown as Client;
  const collector = createCollector({
    client,
    graph,
    resourceOf: () => served,
    check: (i) => checks.add(i),
    invalid: (i) => done.push(`invalid ${i.meta?.name}`),
  });
  for (const metadata of objects) graph.set(served, { metadata });
  for (const uid of gone) graph.remove(uid);
  for (const item of releases) await collector.release(item);
  for (const item of checks) await collector.check(item);
  return done.sort();
}

const deleting = (finalizer: string): Partial<ObjectMeta> => ({ deletionTimestamp: 't', finalizers: [finalizer] });

const cases: [string, ObjectMeta[], string[], string[], string[]][] = [
  ['an object whose owner is there stays', [meta('o'), meta('d', { ownerReferences: [ref('o')] })], [], [], []],
  [
    'an object whose owner went goes',
    [meta('o'), meta('d', { ownerReferences: [ref('o')] })],
    ['o'],
    [],
    ['delete d Background'],
  ],
  [
    'an owner nobody has seen is asked for',
    [meta('d', { ownerReferences: [ref('o')] })],
    [],
    [],
    ['delete d Background'],
  ],
  ['and spares its dependents when it exists', [meta('d', { ownerReferences: [ref('o')] })], [], ['o'], []],
  [
    'of two owners the lost one is struck out',
    [meta('a'), meta('b'), meta('d', { ownerReferences: [ref('a'), ref('b')] })],
    ['a'],
    [],
    ['patch d owners=b'],
  ],
  [
    'an owner in the foreground waits for those that block it',
    [meta('o', deleting('foregroundDeletion')), meta('d', { ownerReferences: [ref('o')] })],
    [],
    [],
    ['delete d Background'],
  ],
  [
    'and goes when none does',
    [meta('o', deleting('foregroundDeletion')), meta('d', { ownerReferences: [ref('o', false)] })],
    [],
    [],
    ['delete d Background', 'patch o finalizers='],
  ],
  [
    'an owner that orphans parts from its dependents',
    [meta('d', { ownerReferences: [ref('o')] }), meta('o', deleting('orphan'))],
    [],
    ['o'],
    ['patch d owners=', 'patch o finalizers='],
  ],
  [
    'an owner in another namespace is none',
    [meta('o', { namespace: 'other' }), meta('d', { ownerReferences: [ref('o')] })],
    [],
    [],
    ['delete d Background', 'invalid d'],
  ],
];
for (const [name, objects, gone, live, expected] of cases) {
  test(`Garbage collection: ${name}`, async () => assert.deepStrictEqual(await collect(objects, gone, live), expected));
}
