import assert from 'node:assert/strict';
import { test } from 'node:test';
import { npmComponents, spdx } from './sbom.ts';

test('of the npm packages those are listed that are shipped', () => {
  const packages = {
    '': { version: '1' },
    'node_modules/a': { version: '1.0.0', license: 'MIT' },
    'node_modules/a/node_modules/@s/b': { version: '2.0.0' },
    'node_modules/c': { version: '3.0.0', dev: true },
    'node_modules/d': { version: '4.0.0', optional: true },
  };
  assert.deepStrictEqual(npmComponents({ packages }), [
    { name: 'a', version: '1.0.0', purl: 'pkg:npm/a@1.0.0', license: 'MIT' },
    { name: '@s/b', version: '2.0.0', purl: 'pkg:npm/%40s/b@2.0.0' },
  ]);
});

test('a bill lists every component once, whatever their order, and says that the image contains it', () => {
  const a = { name: 'a', version: '1', purl: 'pkg:npm/a@1', license: 'MIT' };
  const b = { name: 'b', version: '2', purl: 'pkg:deb/debian/b@2', sha256: 'ab' };
  const bill = (components: (typeof a | typeof b)[]): string =>
    spdx({ name: 'knarr-vm', version: '1', created: 86_400, components });
  assert.equal(bill([a, b, a]), bill([b, a]));
  const document = JSON.parse(bill([a, b]));
  assert.equal(document.spdxVersion, 'SPDX-2.3');
  assert.equal(document.creationInfo.created, '1970-01-02T00:00:00Z');
  assert.deepStrictEqual(
    document.packages.map((p: { name: string; licenseDeclared: string }) => [p.name, p.licenseDeclared]),
    [
      ['knarr-vm', 'Apache-2.0'],
      ['b', 'NOASSERTION'],
      ['a', 'MIT'],
    ],
  );
  assert.deepStrictEqual(document.packages[1].checksums, [{ algorithm: 'SHA256', checksumValue: 'ab' }]);
  const known = new Set(document.packages.map((p: { SPDXID: string }) => p.SPDXID));
  for (const { relatedSpdxElement } of document.relationships) assert.ok(known.has(relatedSpdxElement));
});
