import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadlineOf, within } from './deadline.ts';
import { parseRequestInfo } from './request-info.ts';

const deadline = (path: string, query: string): number | undefined => {
  const parameters = new URLSearchParams(query);
  return deadlineOf(parseRequestInfo('GET', path, parameters), parameters);
};

test('a request has a minute, or less when it says so; a watch has no deadline', () => {
  assert.deepEqual(
    [
      deadline('/api/v1/pods', ''),
      deadline('/api/v1/pods', 'timeout=5s'),
      deadline('/api/v1/pods', 'timeout=5h'),
      deadline('/api/v1/pods', 'watch=1&timeout=5s'),
      deadline('/api/v1/namespaces/a/pods/b/log', ''),
    ],
    [60_000, 5_000, 60_000, undefined, undefined],
  );
  assert.throws(() => deadline('/api/v1/pods', 'timeout=5'), {
    message: 'invalid timeout specified in the request URL - time: missing unit in duration "5"',
  });
});

test('what takes too long is answered with 504', async () => {
  await assert.rejects(within(1, new Promise(() => {})), { code: 504 });
  assert.equal(await within(1_000, Promise.resolve(3)), 3);
});
