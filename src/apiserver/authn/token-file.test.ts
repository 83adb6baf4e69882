import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTokenFile } from './token-file.ts';

test('a line is a token, a name, a uid and groups', () => {
  const users = parseTokenFile('t1,ann,1,"dev,ops"\n\nt2,"b, ""ob""",2\r\n,nobody,3\n');
  assert.deepEqual(
    [...users],
    [
      ['t1', { name: 'ann', uid: '1', groups: ['dev', 'ops'] }],
      ['t2', { name: 'b, "ob"', uid: '2', groups: [] }],
    ],
  );
});

test('a line with too little is refused', () =>
  assert.throws(() => parseTokenFile('t1,ann'), {
    message: 'token file must have at least 3 columns (token, user name, user uid), found 2',
  }));
