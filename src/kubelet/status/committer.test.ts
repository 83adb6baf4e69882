import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../api/gen/core-v1.ts';
import { conflict, notFound } from '../../api/status.ts';
import { silent } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { NodePod } from '../pod/pod.ts';
import { createStatusCommitter } from './committer.ts';

const object: Pod = { metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1' }, status: {} };
const place = { group: '', resource: 'pods' };

/** Answers the first write with a conflict; `now` is what the API has under the name. */
function conflicting(now: () => Pod) {
  let writes = 0;
  const client = {
    async patch() {
      writes++;
      if (writes === 1) throw conflict(place, 'p', 'somebody else was faster');
      return { ...object, metadata: { ...object.metadata, resourceVersion: '2' } };
    },
    get: async () => now(),
  } as unknown as Client;
  const committer = createStatusCommitter({ client, objectOf: () => object, log: silent });
  return { committer, writes: () => writes };
}

const cases: readonly [name: string, now: () => Pod, writes: number][] = [
  ['the same pod gets its status after a conflict', () => object, 2],
  ['another pod of the name does not', () => ({ ...object, metadata: { ...object.metadata, uid: 'other' } }), 1],
  [
    'a pod that is gone does not',
    () => {
      throw notFound(place, 'p');
    },
    1,
  ],
];

for (const [name, now, writes] of cases)
  test(name, async () => {
    const tried = conflicting(now);
    tried.committer.set(object as unknown as NodePod, { phase: 'Running' });
    await tried.committer.settled('u');
    assert.equal(tried.writes(), writes);
  });
