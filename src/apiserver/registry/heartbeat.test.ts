import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silent } from '../../base/log.ts';
import type { Backend } from '../../store/backend.ts';
import { createMemoryBackend } from '../../store/memory-backend.ts';
import { startRegistry } from './testing.ts';
import type { Draft } from './types.ts';

it('a node’s report that changes nothing but its time does not go to the disk for itself', async () => {
  const memory = createMemoryBackend();
  const volatile: boolean[] = [];
  const backend: Backend = {
    ...memory,
    write(operation) {
      if (operation.key.endsWith('/nodes/one')) volatile.push(operation.volatile ?? false);
      return memory.write(operation);
    },
  };
  const { use, stop } = await startRegistry({ backend, log: silent });
  const nodes = use('', 'nodes');
  const report = (status: string, lastHeartbeatTime: string): object => ({
    status: { conditions: [{ type: 'Ready', status, lastHeartbeatTime, reason: 'r', message: 'm' }] },
  });
  const send = (body: object): Promise<unknown> =>
    nodes.store.patch({ ...nodes.at('one'), subresource: 'status' }, { type: 'strategic', body });
  await nodes.store.create(nodes.at('one'), { metadata: { name: 'one' } } as Draft);
  await send(report('True', '2026-01-01T00:00:00Z'));
  await send(report('True', '2026-01-01T00:05:00Z'));
  await send(report('False', '2026-01-01T00:10:00Z'));
  assert.deepEqual(volatile, [false, false, true, false]);
  await stop();
});
