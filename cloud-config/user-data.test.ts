import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { renderProblem } from './schema.ts';
import { parseUserData } from './user-data.ts';

const message = `Content-Type: multipart/mixed; boundary="=x="
MIME-Version: 1.0

--=x=
Content-Type: text/cloud-config

#cloud-config
hostname: a
--=x=
Content-Type: text/x-shellscript
Content-Transfer-Encoding: base64

${Buffer.from('#!/bin/sh\ndate\n').toString('base64')}
--=x=--
`;

for (const [name, given, config] of [
  ['a cloud-config', '#cloud-config\nhostname: a\n', { hostname: 'a' }],
  ['one without its first line', 'hostname: a\n', { hostname: 'a' }],
  ['one compressed', gzipSync('#cloud-config\nhostname: a\n'), { hostname: 'a' }],
  ['a script', '#!/bin/sh\ndate\n', { run_cmd: ['#!/bin/sh\ndate\n'] }],
  [
    'a program',
    Buffer.from('\x7fELFx', 'latin1'),
    {
      write_files: [{ path: '/run/knarr/user-data', content: 'f0VMRng=', encoding: 'b64', permissions: '0700' }],
      run_cmd: ['/run/knarr/user-data'],
    },
  ],
  ['a message with both', message, { hostname: 'a', run_cmd: ['#!/bin/sh\ndate\n'] }],
  ['nothing', '', {}],
] as const)
  test(`user-data that is ${name}`, () => {
    assert.deepStrictEqual(parseUserData('user-data', given), { config, problems: [] });
  });

test('what only begins as gzip does is told of, and is no end for what else a cloud says', () => {
  assert.deepStrictEqual(parseUserData('user-data', Buffer.from([0x1f, 0x8b, 0, 0])).problems.map(renderProblem), [
    'user-data:1:1: begins as gzip does, and cannot be unpacked: unknown compression method',
  ]);
});

test('user-data of other kinds is refused by its name', () => {
  assert.deepStrictEqual(parseUserData('user-data', '#include\nhttp://a\n').problems.map(renderProblem), [
    'user-data:1:1: user-data of the kind #include is not read: write #cloud-config or a script',
  ]);
});
