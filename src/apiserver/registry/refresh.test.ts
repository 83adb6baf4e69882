import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRefresher, isRefreshed } from './refresh.ts';
import { type Kept, storedFromBytes } from './stored.ts';
import type { Draft } from './types.ts';

const fields = { names: [], read: () => [] };
const stored = (object: object): Kept =>
  storedFromBytes(
    { key: 'k', place: { namespace: '', name: 'n' }, revision: 7, fields },
    Buffer.from(JSON.stringify(object)),
  );
const old = { kind: 'K', apiVersion: 'g/v1', metadata: { name: 'n', resourceVersion: '7' } };

test('an object of an older definition is shown as the newest has it, at its revision, and made once', () => {
  let times = 0;
  const refresh = (draft: Draft): Draft | undefined => {
    times++;
    return draft.apiVersion === 'g/v1' ? { ...draft, apiVersion: 'g/v2', filled: true } : undefined;
  };
  const refresher = createRefresher({ refresh }, fields);
  const before = stored(old);
  const shown = refresher?.(before) as Kept;
  assert.deepStrictEqual(JSON.parse(shown.bytes.toString()), { ...old, apiVersion: 'g/v2', filled: true });
  assert.deepStrictEqual(
    [shown.revision, isRefreshed(shown), refresher?.(before) === shown, times],
    [7, true, true, 1],
  );

  const current = stored({ ...old, apiVersion: 'g/v2' });
  assert.equal(refresher?.(current), current);
  assert.equal(isRefreshed(current), false);
});

test('a conversion that failed is tried again', async () => {
  let fails = true;
  const refresh = async (draft: Draft): Promise<Draft> => {
    if (fails) throw new Error('away');
    return { ...draft, apiVersion: 'g/v2' };
  };
  const refresher = createRefresher({ refresh }, fields);
  const before = stored(old);
  await assert.rejects(async () => refresher?.(before), /away/);
  fails = false;
  assert.equal((await refresher?.(before))?.object.apiVersion, 'g/v2');
});

test('a definition that never changes needs none', () => assert.equal(createRefresher({}, fields), undefined));
