import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawRequest, Transport } from './client.ts';
import { createClient } from './create-client.ts';
import { createEventRecorder } from './events.ts';

function recording(): { transport: Transport; requests: RawRequest[] } {
  const requests: RawRequest[] = [];
  const transport: Transport = {
    async send(request) {
      requests.push(request);
      return { status: 200, body: { metadata: { name: 'e' }, count: 1, ...(request.body as object) } };
    },
    async *stream() {},
  };
  return { transport, requests };
}

const about = { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'ns', uid: 'u' };

test('The same thing said again is counted, not written anew', async () => {
  const { transport, requests } = recording();
  const recorder = createEventRecorder({ client: createClient(transport), component: 'test' });
  recorder.event(about, 'Normal', 'Why', 'because');
  recorder.event(about, 'Normal', 'Why', 'because');
  await recorder.flush();
  assert.deepStrictEqual(
    requests.map((r) => [r.method, (r.body as { count?: number }).count]),
    [
      ['POST', 1],
      ['PATCH', 2],
    ],
  );
});

test('Many alike become one, and a chatterbox is cut short', async () => {
  const { transport, requests } = recording();
  const recorder = createEventRecorder({ client: createClient(transport), component: 'test', now: () => 1e12 });
  for (let i = 0; i < 40; i++) recorder.event(about, 'Warning', 'Why', `attempt ${i}`);
  await recorder.flush();
  assert.equal(requests.filter((r) => r.method === 'POST').length, 10);
  assert.equal(requests.length, 25);
  assert.match((requests[24] as { body: { message: string } }).body.message, /^\(combined from similar events\): /);
});
