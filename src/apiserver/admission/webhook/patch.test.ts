import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft } from '../../registry/types.ts';
import { patched, patchOf } from './patch.ts';

const sent = (patch: unknown, patchType = 'JSONPatch') =>
  patchOf({
    patchType,
    patch: Buffer.from(typeof patch === 'string' ? patch : JSON.stringify(patch)).toString('base64'),
  });

test('a patch is operations; what is none is told', () => {
  assert.deepStrictEqual(patchOf({}), []);
  assert.deepStrictEqual(sent([{ op: 'remove', path: '/a' }]), [{ op: 'remove', path: '/a' }]);
  const undecodable = 'received undecodable patch in webhook response:';
  const wrong: [() => unknown, string][] = [
    [() => sent('hello'), `${undecodable} invalid character 'h' looking for beginning of value`],
    [() => sent({}), `${undecodable} json: cannot unmarshal object into Go value of type jsonpatch.Patch`],
    [() => sent(['a']), `${undecodable} json: cannot unmarshal string into Go value of type jsonpatch.Operation`],
    [() => sent([{}], 'Foo'), 'unsupported patch type "Foo"'],
  ];
  for (const [work, message] of wrong) assert.throws(work, { message });
});

test('a patch that does not apply says why', () => {
  const object = { metadata: {}, data: { a: '1' } } as unknown as Draft;
  const wrong: [object, string][] = [
    [
      { op: 'remove', path: '/data/b' },
      "error in remove for path: '/data/b': Unable to remove nonexistent key: b: missing value",
    ],
    [{ op: 'add', path: '/b/c', value: 1 }, 'add operation does not apply: doc is missing path: "/b/c": missing value'],
    [{ op: 'test', path: '/data/a', value: 'x' }, 'testing value /data/a failed: test failed'],
    [{ op: 'frob', path: '/data' }, 'Unexpected kind: frob'],
  ];
  for (const [operation, text] of wrong)
    assert.throws(() => patched(object, [operation]), { message: `Internal error occurred: ${text}` });
});
