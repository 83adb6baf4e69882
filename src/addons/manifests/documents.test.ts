import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addonName, parseManifest } from './documents.ts';

test('documents and lists are taken apart in order, empty ones left out', () => {
  const objects = parseManifest(
    'a.yaml',
    `---
# nothing
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: two}}
- {apiVersion: v1, kind: Secret, metadata: {name: three}}
`,
  );
  assert.deepEqual(
    objects.map((object) => [object.kind, object.metadata.name]),
    [
      ['ConfigMap', 'one'],
      ['Secret', 'two'],
      ['Secret', 'three'],
    ],
  );
});

test('what is no manifest is refused with its file', () => {
  for (const text of ['a: [', 'just words', 'kind: Pod', 'apiVersion: v1\nkind: Pod\n'])
    assert.throws(() => parseManifest('bad.yaml', text), { code: 'invalid-manifest', message: /^bad\.yaml: / });
});

test('a file’s name is the add-on’s name', () => {
  assert.deepEqual(addonName('a-b.yaml'), { name: 'a-b' });
  assert.deepEqual(addonName('a.json'), { name: 'a' });
  assert.deepEqual(addonName('a.yaml.skip'), { ignored: undefined });
  assert.deepEqual(addonName('notes.txt'), { ignored: undefined });
  assert.match((addonName('A_b.yaml') as { ignored: string }).ignored, /is not a name/);
});
