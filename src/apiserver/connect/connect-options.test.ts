import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectOptions } from './connect-options.ts';

const cases: [string, string, string, string, object | undefined][] = [
  [
    'streams are those that the client speaks of',
    'PodAttachOptions',
    'stdin=true&container=c&stdout=false',
    '',
    { stdin: true, container: 'c' },
  ],
  [
    'a command is a list of words',
    'PodExecOptions',
    'command=a&command=b%20c&stderr=false',
    '',
    { command: ['a', 'b c'] },
  ],
  ['ports may come in one word', 'PodPortForwardOptions', 'ports=80,81&ports=82', '', { ports: [80, 81, 82] }],
  ['a proxied path is told', 'ServiceProxyOptions', 'x=y', '/a', { path: '/a' }],
];
for (const [name, kind, query, path, expected] of cases)
  test(name, () =>
    assert.deepStrictEqual(connectOptions(kind, new URLSearchParams(query), path), {
      kind,
      apiVersion: 'v1',
      metadata: {},
      ...expected,
    }),
  );

test('a kind that is no such object has none', () =>
  assert.equal(connectOptions('Pod', new URLSearchParams(), ''), undefined));
