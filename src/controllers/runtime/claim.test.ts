import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '../../api/gen/batch-v1.ts';
import type { Pod } from '../../api/gen/core-v1.ts';
import { jobs, pods } from '../../api/gen/resources.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import { claim } from './claim.ts';
import { controllerRef } from './owners.ts';

const owner = { metadata: { name: 'j', namespace: 'ns', uid: 'j' } } as Job;
const own = controllerRef(jobs, owner);

test('what is adopted gets the finalizer, what is let go loses it', async () => {
  const patches: unknown[] = [];
  const client = {
    get: async () => owner,
    async patch(_resource: unknown, name: string, patch: { body: { metadata: object } }) {
      patches.push([name, patch.body.metadata]);
      return { metadata: { name } };
    },
  } as unknown as Client;
  const pod = (name: string, app: string, extra: object): Pod =>
    ({ metadata: { name, namespace: 'ns', uid: name, resourceVersion: '1', labels: { app }, ...extra } }) as Pod;
  const claimed = await claim({
    client,
    owner,
    ownerResource: jobs,
    ownerReference: own,
    selector: { matchLabels: { app: 'a' } },
    resource: pods,
    informer: { observe() {} } as unknown as Informer<Pod>,
    candidates: [
      pod('orphan', 'a', { finalizers: ['other'] }),
      pod('strange', 'b', { ownerReferences: [own], finalizers: ['tracked'] }),
      pod('mine', 'a', { ownerReferences: [own] }),
    ],
    finalizer: 'tracked',
  });
  assert.deepStrictEqual(
    claimed.map((p) => p.metadata.name),
    ['orphan', 'mine'],
  );
  const at = (uid: string): object => ({ uid, resourceVersion: '1' });
  assert.deepStrictEqual(patches, [
    ['orphan', { ...at('orphan'), ownerReferences: [own], finalizers: ['other', 'tracked'] }],
    ['strange', { ...at('strange'), ownerReferences: null, finalizers: null }],
  ]);
});
