import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStanzas } from './apt.ts';
import { refuseExtra } from './lock.ts';

test('stanzas of the archive become packages', () => {
  const text = `Package: a
Version: 1:2.0-1
Architecture: amd64
Size: 12
SHA256: ab
Description: x
 more

Package: virtual
Version: 1
`;
  assert.deepStrictEqual(parseStanzas(text), [
    { name: 'a', version: '1:2.0-1', architecture: 'amd64', sha256: 'ab', size: 12 },
  ]);
});

test('packages that the archive has not are named, and not how apt was called', () => {
  assert.throws(
    () =>
      refuseExtra(new Error('apt-get -o A=b install -qq x: exit code 100: E: Unable to locate package x\nE: And y')),
    { code: 'usage', message: '--package: Unable to locate package x; And y' },
  );
  assert.throws(() => refuseExtra(new Error('apt-get: killed')), { message: 'apt-get: killed' });
});
