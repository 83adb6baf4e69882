import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStanzas } from './apt.ts';

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
