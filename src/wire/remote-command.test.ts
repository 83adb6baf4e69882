import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseProtocol, decodeMessage, encodeClose, encodeMessage } from './remote-command.ts';

test('the newest protocol that both know is chosen', () => {
  assert.equal(chooseProtocol(['v4.channel.k8s.io', 'v5.channel.k8s.io'])?.name, 'v5.channel.k8s.io');
  assert.equal(chooseProtocol(['channel.k8s.io'])?.statusErrors, false);
  assert.equal(chooseProtocol(['other']), undefined);
});

for (const name of ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io'])
  test(`${name}: a message comes back as it was sent`, () => {
    const protocol = chooseProtocol([name]);
    assert.ok(protocol);
    const data = Buffer.from([0, 1, 255, 65]);
    assert.deepStrictEqual(decodeMessage(protocol, encodeMessage(protocol, 1, data)), {
      type: 'data',
      channel: 1,
      data,
    });
  });

test('only v5 ends a channel', () => {
  const [v5, v4] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'].map((n) => chooseProtocol([n]));
  assert.ok(v5 && v4);
  const close = encodeClose(v5, 0);
  assert.ok(close);
  assert.deepStrictEqual(decodeMessage(v5, close), { type: 'close', channel: 0 });
  assert.equal(encodeClose(v4, 0), undefined);
});
