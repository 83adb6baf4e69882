import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Backend, EventBatch, WriteOperation } from './backend.ts';

/** Opens and closes one backend per test; `restart` gives the same data in a new instance, where the driver keeps any. */
export interface ContractSubject {
  backend: Backend;
  restart?: () => Promise<Backend>;
  end(): Promise<void>;
}

/** The behaviour that every driver shares; a driver's own test calls this. */
export function testBackend(name: string, open: () => Promise<ContractSubject>): void {
  const withBackend = (title: string, body: (backend: Backend, subject: ContractSubject) => Promise<void>): void => {
    it(title, async () => {
      const subject = await open();
      try {
        await body(subject.backend, subject);
      } finally {
        await subject.end();
      }
    });
  };

  describe(name, () => {
    withBackend('gives every write a larger revision and reads back what was written', async (backend) => {
      const first = await put(backend, '/a', 'one');
      const second = await put(backend, '/a', 'two');
      assert.ok(second > first);
      const entry = await backend.get('/a');
      assert.deepEqual(
        { ...entry, value: entry?.value.toString() },
        { key: '/a', value: 'two', createRevision: first, modRevision: second },
      );
      assert.equal(await backend.currentRevision(), second);
      assert.equal(await backend.get('/b'), undefined);
    });

    withBackend('refuses a write whose condition does not hold, and says what stands', async (backend) => {
      const made = await put(backend, '/a', 'one', { expected: 0 });
      const again = await backend.write({ key: '/a', value: Buffer.from('x'), expected: 0 });
      assert.deepEqual([again.ok, !again.ok && again.current?.modRevision], [false, made]);
      const stale = await backend.write({ key: '/a', value: undefined, expected: made + 1 });
      assert.equal(stale.ok, false);
      assert.equal((await backend.write({ key: '/nothing', value: undefined })).ok, false);
      assert.equal((await backend.get('/a'))?.value.toString(), 'one');
    });

    withBackend('decides conditions in the order of the calls, before anything is durable', async (backend) => {
      const results = await Promise.all([
        backend.write({ key: '/a', value: Buffer.from('1'), expected: 0 }),
        backend.write({ key: '/a', value: Buffer.from('2'), expected: 0 }),
        backend.write({ key: '/a', value: undefined }),
        backend.write({ key: '/a', value: Buffer.from('3'), expected: 0 }),
      ]);
      assert.deepEqual(
        results.map((r) => r.ok),
        [true, false, true, true],
      );
    });

    withBackend('lists a prefix in key order, in pages, as it stood at a revision', async (backend) => {
      for (const key of ['/p/b', '/p/a', '/q/a', '/p/c']) await put(backend, key, key);
      const then = await backend.currentRevision();
      await put(backend, '/p/b', 'changed');
      await backend.write({ key: '/p/a', value: undefined });
      await put(backend, '/p/d', 'new');
      const now = await backend.list({ prefix: '/p/' });
      assert.deepEqual(texts(now.entries), { '/p/b': 'changed', '/p/c': '/p/c', '/p/d': 'new' });
      const old = await backend.list({ prefix: '/p/', revision: then, limit: 2 });
      assert.deepEqual([texts(old.entries), old.count], [{ '/p/a': '/p/a', '/p/b': '/p/b' }, 3]);
      const rest = await backend.list({ prefix: '/p/', revision: then, start: '/p/b\0' });
      assert.deepEqual([texts(rest.entries), rest.count], [{ '/p/c': '/p/c' }, 1]);
    });

    withBackend('replays a watch from a revision and goes on live, in order and without gaps', async (backend) => {
      const start = await put(backend, '/w/a', '1');
      await put(backend, '/other', 'x');
      await put(backend, '/w/a', '2');
      const seen = collect(backend, '/w/', start);
      await put(backend, '/w/b', '3');
      await backend.write({ key: '/w/a', value: undefined });
      await until(() => seen.texts.length === 3);
      assert.deepEqual(seen.texts, ['/w/a=2', '/w/b=3', '/w/a deleted']);
      assert.deepEqual(
        seen.revisions,
        seen.revisions.toSorted((a, b) => a - b),
      );
      seen.stop();
      await put(backend, '/w/c', '4');
      assert.equal(seen.texts.length, 3);
    });

    withBackend('delivers an event before the write that made it resolves', async (backend) => {
      const seen = collect(backend, '/', await backend.currentRevision());
      await put(backend, '/a', '1');
      assert.deepEqual(seen.texts, ['/a=1']);
      await put(backend, '/v', '1', { volatile: true });
      assert.deepEqual(seen.texts, ['/a=1', '/v=1']);
      seen.stop();
    });

    withBackend('hands the revision to a value that asks for it', async (backend) => {
      const given: number[] = [];
      const value = (revision: number): Buffer => {
        given.push(revision);
        return Buffer.from('x');
      };
      const result = await backend.write({ key: '/a', value });
      assert.equal(given.length, 1);
      assert.ok(given[0] === 0 || given[0] === result.revision);
    });

    withBackend('forgets history on compaction and keeps what is current', async (backend) => {
      const first = await put(backend, '/a', '1');
      await put(backend, '/gone', 'x');
      await backend.write({ key: '/gone', value: undefined });
      const kept = await put(backend, '/a', '2');
      await put(backend, '/a', '3');
      await backend.compact(kept);
      assert.equal(backend.compactedRevision(), kept);
      await assert.rejects(backend.list({ prefix: '/', revision: first }), { code: 'compacted' });
      assert.throws(() => backend.watch({ prefix: '/', after: first, onEvents: () => {} }), { code: 'compacted' });
      assert.deepEqual(texts((await backend.list({ prefix: '/', revision: kept })).entries), { '/a': '2' });
      assert.deepEqual(texts((await backend.list({ prefix: '/' })).entries), { '/a': '3' });
      await assert.rejects(backend.list({ prefix: '/', revision: kept + 1000 }), { code: 'future-revision' });
    });

    withBackend('reads and compacts while writes never cease', async (backend) => {
      let writing = true;
      const writer = async (): Promise<void> => {
        for (let i = 0; writing; i++) await put(backend, '/busy', `${i}`);
      };
      const writers = [writer(), writer()];
      await put(backend, '/a', '1');
      assert.equal((await backend.get('/a'))?.value.toString(), '1');
      assert.equal((await backend.list({ prefix: '/a' })).count, 1);
      await backend.compact(await backend.currentRevision());
      writing = false;
      await Promise.all(writers);
    });

    withBackend('lets a key go when its time is over, and not when it was renewed', async (backend) => {
      const seen = collect(backend, '/', await backend.currentRevision());
      await put(backend, '/short', 'x', { ttlSeconds: 0.05 });
      await put(backend, '/renewed', 'x', { ttlSeconds: 0.05 });
      await put(backend, '/renewed', 'y', { ttlSeconds: 60 });
      await until(() => seen.texts.includes('/short deleted'));
      assert.deepEqual(texts((await backend.list({ prefix: '/' })).entries), { '/renewed': 'y' });
      seen.stop();
    });

    withBackend('reads volatile and durable keys alike', async (backend) => {
      await put(backend, '/d', '1');
      await put(backend, '/v', '1', { volatile: true });
      await put(backend, '/v', '2', { volatile: true });
      await put(backend, '/z', '1', { volatile: true });
      await backend.write({ key: '/z', value: undefined, volatile: true });
      assert.equal((await backend.get('/v'))?.value.toString(), '2');
      const page = await backend.list({ prefix: '/', limit: 1 });
      assert.deepEqual([texts(page.entries), page.count], [{ '/d': '1' }, 2]);
    });

    withBackend('has everything after a restart, and never gives a revision again', async (backend, subject) => {
      if (!subject.restart) return;
      await put(backend, '/d', '1');
      const created = await put(backend, '/d', '2');
      await put(backend, '/v', '1', { volatile: true });
      await put(backend, '/gone', '1');
      await backend.write({ key: '/gone', value: undefined });
      const last = await backend.currentRevision();
      const next = await subject.restart();
      assert.deepEqual(texts((await next.list({ prefix: '/' })).entries), { '/d': '2', '/v': '1' });
      assert.ok((await put(next, '/d', '3')) > last);
      const seen = collect(next, '/', created - 1);
      await until(() => seen.texts.includes('/d=3'));
      assert.deepEqual(seen.texts.slice(0, 2), ['/d=2', '/v=1']);
      seen.stop();
    });
  });
}

async function put(
  backend: Backend,
  key: string,
  text: string,
  options: Partial<WriteOperation> = {},
): Promise<number> {
  const result = await backend.write({ key, value: Buffer.from(text), ...options });
  assert.ok(result.ok);
  return result.revision;
}

function texts(entries: readonly { key: string; value: Buffer }[]): Record<string, string> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value.toString()]));
}

function collect(backend: Backend, prefix: string, after: number) {
  const seen: { texts: string[]; revisions: number[]; stop: () => void } = { texts: [], revisions: [], stop: () => {} };
  const onEvents = (batch: EventBatch): void => {
    for (const event of batch.events) {
      seen.revisions.push(event.revision);
      seen.texts.push(event.type === 'put' ? `${event.key}=${event.entry.value}` : `${event.key} deleted`);
    }
  };
  seen.stop = backend.watch({ prefix, after, onEvents });
  return seen;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(condition(), 'what was waited for did not come');
}
