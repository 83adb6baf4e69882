import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineReader, jsonFrame, protobufFrame } from './watch-frames.ts';

test('JSON frames are lines, however they are cut', () => {
  const bytes = Buffer.concat([jsonFrame('ADDED', Buffer.from('{"a":"é"}')), jsonFrame('DELETED', Buffer.from('{}'))]);
  for (const size of [1, 3, bytes.length]) {
    const reader = createLineReader();
    const lines: string[] = [];
    for (let i = 0; i < bytes.length; i += size) lines.push(...reader.push(bytes.subarray(i, i + size)));
    assert.deepStrictEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [
        { type: 'ADDED', object: { a: 'é' } },
        { type: 'DELETED', object: {} },
      ],
    );
  }
});

test('a protobuf frame is a length and a WatchEvent', () => {
  const object = Buffer.alloc(200, 7);
  const frame = protobufFrame('ADDED', object);
  assert.equal(frame.readUInt32BE(), frame.length - 4);
  // type = 1: five bytes; object = 2: a message whose field 1 holds the 200 bytes.
  assert.deepStrictEqual([...frame.subarray(4, 17)], [10, 5, 65, 68, 68, 69, 68, 18, 203, 1, 10, 200, 1]);
  assert.deepStrictEqual(frame.subarray(17), object);
});
