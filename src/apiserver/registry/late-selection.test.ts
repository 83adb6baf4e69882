import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lateSelection, selectEvents } from './late-selection.ts';
import type { Draft, Frozen, Stored, WatchEvent } from './types.ts';
import { bookmark, eventOf, plainStored } from './watch-events.ts';

const version = { selectableFields: { host: ['host'] } };
const converting = { convert: (object: Draft) => object };

const stored = (name: string, host: string, revision: number): Stored => ({
  ...plainStored({ metadata: { name, resourceVersion: String(revision) }, host } as unknown as Frozen, revision),
  key: name,
  name,
});

test('fields are asked in the version of the request; those of the metadata stay with the store', () => {
  const asked = { fieldSelector: 'host=a,metadata.name!=x', limit: 5 };
  const { early, late } = lateSelection(converting, version, asked);
  assert.deepStrictEqual(early, { fieldSelector: 'metadata.name!=x', limit: 5 });
  assert.equal(late?.matches({ metadata: {}, host: 'a' } as Frozen), true);
  assert.equal(late?.matches({ metadata: {}, host: 'b' } as Frozen), false);
  assert.deepStrictEqual(lateSelection({}, version, asked), { early: asked, late: undefined });
  assert.throws(() => lateSelection({}, version, { fieldSelector: 'port=1' }), /field label not supported: port/);
});

test('a watch tells what comes to match as added, and what ceases to as deleted, as it was', () => {
  const got: string[] = [];
  const sink = {
    onClose() {},
    onEvents: (events: readonly WatchEvent[]) =>
      void got.push(
        ...events.map(({ type, stored: { object, name }, revision }) => `${type} ${name} ${object.host} ${revision}`),
      ),
  };
  const { late } = lateSelection(converting, version, { fieldSelector: 'host=a' });
  assert.ok(late);
  const selecting = selectEvents(late, sink, [stored('there', 'a', 1), stored('other', 'b', 2)]);
  selecting.onEvents([
    eventOf('MODIFIED', stored('there', 'b', 3)),
    eventOf('MODIFIED', stored('other', 'a', 4)),
    eventOf('ADDED', stored('new', 'b', 5)),
    eventOf('MODIFIED', stored('other', 'a', 6)),
    eventOf('DELETED', stored('other', 'a', 7)),
    eventOf('DELETED', stored('new', 'b', 8)),
    bookmark({ apiVersion: 'v1', kind: 'X' }, 9, false),
  ]);
  assert.deepStrictEqual(got, [
    'DELETED there a 3',
    'ADDED other a 4',
    'MODIFIED other a 6',
    'DELETED other a 7',
    'BOOKMARK  undefined 9',
  ]);
});
