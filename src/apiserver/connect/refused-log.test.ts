import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusedLog } from './refused-log.ts';

test("a kubelet's refusal is told as upstream tells it", () => {
  const told = (code: number, text: string) => {
    const { status } = refusedLog(code, text, 'p');
    return [status.code, status.reason, status.message];
  };
  const waiting = 'container "c" in pod "p" is waiting to start: ContainerCreating';
  assert.deepStrictEqual(told(400, waiting), [400, 'BadRequest', waiting]);
  assert.deepStrictEqual(told(500, 'x'), [500, 'InternalError', 'Internal error occurred: x']);
  assert.deepStrictEqual(told(404, 'x'), [
    404,
    'NotFound',
    'the server could not find the requested resource ( pods/log p)',
  ]);
  assert.deepStrictEqual(told(403, 'no'), [403, 'Forbidden', 'no ( pods/log p)']);
  assert.deepStrictEqual(told(502, 'x'), [
    502,
    'InternalError',
    'an error on the server ("x") has prevented the request from succeeding ( pods/log p)',
  ]);
});
