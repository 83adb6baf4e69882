import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBoard } from './board.ts';
import { addressesOf, shortLine } from './create.ts';
import { dashboard, repaint } from './dashboard.ts';
import { eventText, nodeText } from './feed.ts';

test('a screen of 80 columns and 24 rows shows what there is, newest last, and how to log in', () => {
  const board = createBoard();
  board.set({
    hostname: 'node-1',
    version: 'v1',
    role: 'server',
    node: 'Ready since 10:00:00',
    api: 'answers at https://127.0.0.1:6443',
    slot: 'image 1.36.3',
    mode: 'disk',
    addresses: ['eth0 10.0.2.15/24'],
  });
  for (let at = 0; at < 20; at++) board.add('log', `line ${at}`);
  board.add('events', `e\t\u001b[2J${'x'.repeat(200)}`);
  const rows = dashboard(board.facts);
  assert.deepStrictEqual(rows, [
    ' Knarr v1   node-1',
    ` ${'-'.repeat(78)}`,
    ' Role        server',
    ' Node        Ready since 10:00:00',
    ' API         answers at https://127.0.0.1:6443',
    ' System      image 1.36.3, disk',
    ' Addresses   eth0 10.0.2.15/24',
    '',
    ' Last events',
    `  e ?[2J${'x'.repeat(69)}...`,
    ' Recent log',
    ...Array.from({ length: 8 }, (_, at) => `  line ${at + 12}`),
    '',
    '',
    '',
    ' node-1: press Enter to log in',
  ]);
  assert.equal(rows.length, 23);
  assert.ok(rows.every((row) => row.length <= 80));
});

test('a machine that has just begun says what it does not know', () =>
  assert.deepStrictEqual(dashboard({}).slice(2, 7), [
    ' Role        not yet known',
    ' Node        not yet known',
    ' API         not yet known',
    ' System      not yet known',
    ' Addresses   none',
  ]));

test('only the rows that have changed are painted, and nothing when none has', () => {
  assert.equal(repaint(['a', 'b', 'c'], ['a', 'B', 'c']), '\u001b[2;1HB\u001b[K\u001b[4;1H');
  assert.equal(repaint(['a'], ['a']), '');
  assert.equal(repaint(undefined, ['a']), '\u001b[0m\u001b[2J\u001b[1;1Ha\u001b[K\u001b[2;1H');
});

test('a board tells of what is new, and not of what is the same', () => {
  const board = createBoard();
  let told = 0;
  const release = board.onChange(() => told++);
  board.set({ node: 'Ready', addresses: ['a'] });
  board.set({ node: 'Ready', addresses: ['a'] });
  board.add('log', 'x');
  release();
  board.set({ node: 'gone' });
  assert.equal(told, 2);
});

test('nodes, events, addresses and lines of the log become short texts', () => {
  const node = (status: string): never =>
    ({
      metadata: { name: 'n' },
      status: {
        conditions: [{ type: 'Ready', status, lastTransitionTime: '2026-01-02T03:04:05Z', message: 'no CNI' }],
      },
    }) as never;
  assert.equal(nodeText(undefined), 'not registered yet');
  assert.equal(nodeText(node('True')), 'Ready since 03:04:05');
  assert.equal(nodeText(node('False')), 'not Ready since 03:04:05: no CNI');
  assert.equal(
    eventText({
      metadata: {},
      type: 'Warning',
      lastTimestamp: '2026-01-02T03:04:05Z',
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'web' },
      reason: 'BackOff',
      message: 'again',
    } as never),
    '03:04:05 ! Pod default/web: BackOff: again',
  );
  const address = (text: string, internal = false): never => ({ address: text, cidr: `${text}/24`, internal }) as never;
  assert.deepStrictEqual(
    addressesOf({
      lo: [address('127.0.0.1', true)],
      eth0: [address('10.0.0.2'), address('fe80::1')],
      cni0: [address('10.42.0.1')],
    }),
    ['eth0 10.0.0.2/24'],
  );
  assert.equal(shortLine('2026-01-02T03:04:05.678Z info knarr/api: up port=1\n'), '03:04:05 knarr/api: up port=1');
  assert.equal(shortLine('2026-01-02T03:04:05.678Z warn knarr: x'), '03:04:05 warn: knarr: x');
});
