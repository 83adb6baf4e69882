import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRegistry } from './testing.ts';

test('what admission has changed gets its defaults, though the rest is shared with what everybody reads', async () => {
  const admission = { mutate: () => true, validate() {} };
  const running = await startRegistry({ admission });
  const pods = running.use('', 'pods');
  await pods.create('p', { spec: { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'a' } });
  await pods.merge('p', { status: { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] } }, 'status');

  // Reading freezes the stored object.
  await pods.get('p');
  await pods.merge('p', { metadata: { annotations: { a: 'b' } } });
  await pods.get('p');
  await pods.merge('p', { status: { phase: 'Running' } }, 'status');

  const { metadata, status } = await pods.get<{ metadata: { annotations: object }; status: object }>('p');
  assert.deepEqual(
    [metadata.annotations, status],
    [{ a: 'b' }, { phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }], qosClass: 'BestEffort' }],
  );
  await running.stop();
});
