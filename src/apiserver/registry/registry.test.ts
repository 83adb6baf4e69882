import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { silent } from '../../base/log.ts';
import { createMemoryBackend } from '../../store/memory-backend.ts';
import { createRegistry, type RunningRegistry } from './registry.ts';
import type { Draft, ListResult, RequestContext, ResourceStore, WatchEvent, WatchOptions } from './types.ts';

const context: RequestContext = {
  user: { name: 'tester', groups: ['system:masters'] },
  dryRun: false,
  fieldManager: 'test',
  fieldValidation: 'Strict',
  warn() {},
  signal: new AbortController().signal,
};
const at = (name: string, namespace = 'default') => ({ context, place: { namespace, name } });

describe('registry', () => {
  const backend = createMemoryBackend();
  let registry: RunningRegistry;
  let maps: ResourceStore;
  const configMap = (name: string, more: object = {}): Draft => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', ...(more as { metadata?: object }).metadata },
    data: { a: '1' },
  });
  const names = (list: ListResult): string[] => list.items.map((item) => item.name);
  const collect = async (options: WatchOptions) => {
    const events: WatchEvent[] = [];
    const watch = await maps.watch(options, { onEvents: (some) => void events.push(...some), onClose() {} });
    return { events, texts: () => events.map((e) => `${e.type} ${e.stored.name}`), stop: () => watch.stop() };
  };

  before(async () => {
    await backend.start();
    registry = createRegistry({ backend, log: silent });
    await registry.start();
    maps = registry.store('', 'configmaps');
  });
  after(async () => {
    await registry.stop();
    await backend.stop();
  });

  it('serves every resource of discovery that is stored', () => {
    assert.equal(registry.definitions().length, 59);
    assert.ok(registry.lookup('autoscaling', 'v1', 'horizontalpodautoscalers'));
    assert.ok(registry.lookup('autoscaling', 'v2', 'horizontalpodautoscalers'));
    assert.equal(registry.lookup('authorization.k8s.io', 'v1', 'subjectaccessreviews'), undefined);
  });

  it('creates, reads, replaces and deletes an object', async () => {
    const { stored } = await maps.create(at('one'), configMap('one'));
    const { metadata } = stored.object;
    assert.match(metadata.uid ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(metadata.resourceVersion, String(stored.revision));
    assert.deepEqual(JSON.parse(stored.bytes.toString()), stored.object);
    assert.equal((await maps.get(at('one').place)).bytes, stored.bytes);
    assert.ok(Object.isFrozen(stored.object.metadata));

    const changed = configMap('one', { metadata: { resourceVersion: metadata.resourceVersion } });
    changed.data = { a: '2' };
    const updated = await maps.update(at('one'), structuredClone(changed));
    assert.ok(updated.stored.revision > stored.revision);
    assert.equal(updated.stored.object.metadata.uid, metadata.uid);
    await assert.rejects(maps.update(at('one'), changed), {
      message:
        'Operation cannot be fulfilled on configmaps "one": the object has been modified; please apply your changes to the latest version and try again',
    });
    const gone = await maps.delete(at('one'), {});
    assert.deepEqual([gone.deleted, gone.answerObject], [true, false]);
    assert.throws(() => maps.get(at('one').place), { message: 'configmaps "one" not found' });
  });

  it('keeps a dry run of many deletions dry, whatever the request is made of', async () => {
    await maps.create(at('stays'), configMap('stays'));
    class Request implements RequestContext {
      readonly user = context.user;
      readonly fieldManager = 'test';
      readonly fieldValidation = 'Strict';
      readonly signal = context.signal;
      get dryRun(): boolean {
        return true;
      }
      warn(): void {}
    }
    await maps.deleteCollection({ context: new Request() }, { namespace: 'default' }, {});
    assert.ok(await maps.get(at('stays').place));
    await maps.delete(at('stays'), {});
  });

  it('refuses a name that is taken and makes up one where it is asked to', async () => {
    await maps.create(at('taken'), configMap('taken'));
    await assert.rejects(maps.create(at('taken'), configMap('taken')), {
      message: 'configmaps "taken" already exists',
    });
    const object = configMap('', { metadata: { name: undefined, generateName: 'made-' } });
    const { stored } = await maps.create(at(''), object);
    assert.match(stored.name, /^made-[a-z0-9]{5}$/);
    await maps.deleteCollection({ context }, { namespace: 'default' }, {});
    assert.equal((await maps.list({ namespace: 'default' })).items.length, 0);
  });

  it('writes nothing when nothing changes or when it is a dry run', async () => {
    const { stored } = await maps.create(at('same'), configMap('same'));
    const again = await maps.patch(at('same'), { type: 'merge', body: { data: { a: '1' } } });
    assert.equal(again.stored.revision, stored.revision);
    const dry = { ...at('same'), context: { ...context, dryRun: true } };
    const tried = await maps.patch(dry, { type: 'merge', body: { data: { a: '9' } } });
    assert.deepEqual(tried.stored.object.data, { a: '9' });
    assert.deepEqual((await maps.get(at('same').place)).object.data, { a: '1' });
    await maps.delete(at('same'), {});
  });

  it('lets many patches of one object follow each other without losing one', async () => {
    await maps.create(at('busy'), configMap('busy'));
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        maps.patch(at('busy'), { type: 'merge', body: { data: { [`k${i}`]: 'x' } } }),
      ),
    );
    const { object } = await maps.get(at('busy').place);
    assert.equal(Object.keys(object.data as object).length, 51);
    await maps.delete(at('busy'), {});
  });

  it('keeps an object with finalizers until the last one is gone', async () => {
    await maps.create(at('held'), configMap('held', { metadata: { finalizers: ['example.com/hold'] } }));
    const marked = await maps.delete(at('held'), {});
    assert.deepEqual([marked.deleted, marked.answerObject], [false, true]);
    const { metadata } = (await maps.get(at('held').place)).object;
    assert.equal(metadata.deletionGracePeriodSeconds, 0);
    assert.ok(metadata.deletionTimestamp);
    await maps.patch(at('held'), { type: 'merge', body: { metadata: { finalizers: null } } });
    assert.throws(() => maps.get(at('held').place), { code: 404 });
  });

  it('lets nobody write that an object is being deleted', async () => {
    await maps.create(at('kept'), configMap('kept'));
    const body = { metadata: { deletionTimestamp: '2030-01-01T00:00:00Z', deletionGracePeriodSeconds: 5 } };
    await assert.rejects(maps.patch(at('kept'), { type: 'merge', body }), {
      code: 422,
      message:
        'ConfigMap "kept" is invalid: [metadata.deletionTimestamp: Invalid value: "2030-01-01T00:00:00Z": field is immutable, metadata.deletionGracePeriodSeconds: Invalid value: 5: field is immutable]',
    });
    await maps.delete(at('kept'), {});
  });

  it('lets no patch make another kind of an object', async () => {
    await maps.create(at('one'), configMap('one'));
    const said = (body: object) => maps.patch(at('one'), { type: 'merge', body });
    await assert.rejects(said({ kind: 'Pod' }), {
      code: 422,
      message: /converting \(v1\.Pod\) to \(core\.ConfigMap\)/,
    });
    await assert.rejects(said({ apiVersion: 'v2' }), { code: 422, message: /no kind "ConfigMap" is registered for/ });
    await assert.rejects(said({ apiVersion: null }), { code: 400, message: /name must be provided$/ });
    assert.equal((await said({ kind: '' })).stored.object.kind, 'ConfigMap');
    await maps.patch(at('one'), { type: 'strategic', body: { kind: 'Pod' } });
    await maps.delete(at('one'), {});
  });

  it('pages through a snapshot while objects come and go', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await maps.create(at(name), configMap(name));
    const first = await maps.list({ namespace: 'default', limit: 2 });
    assert.deepEqual([names(first), first.remainingItemCount], [['a', 'b'], 3]);
    await maps.delete(at('c'), {});
    await maps.create(at('cc'), configMap('cc'));
    const second = await maps.list({ namespace: 'default', limit: 2, continue: first.continue });
    assert.deepEqual([names(second), second.resourceVersion], [['c', 'd'], first.resourceVersion]);
    const third = await maps.list({ namespace: 'default', limit: 2, continue: second.continue });
    assert.deepEqual([names(third), third.continue], [['e'], undefined]);
    assert.deepEqual(names(await maps.list({ namespace: 'default' })), ['a', 'b', 'cc', 'd', 'e']);
    const exact = { resourceVersion: first.resourceVersion, resourceVersionMatch: 'Exact' };
    assert.deepEqual(names(await maps.list(exact)), ['a', 'b', 'c', 'd', 'e']);
    await maps.deleteCollection({ context }, {}, {});
  });

  it('selects by labels and fields', async () => {
    await maps.create(at('red'), configMap('red', { metadata: { labels: { color: 'red' } } }));
    await maps.create(at('blue'), configMap('blue', { metadata: { labels: { color: 'blue' } } }));
    assert.deepEqual(names(await maps.list({ labelSelector: 'color in (red)' })), ['red']);
    assert.deepEqual(names(await maps.list({ fieldSelector: 'metadata.name=blue' })), ['blue']);
    assert.throws(() => maps.list({ fieldSelector: 'spec.x=1' }), {
      message: '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    });
    await maps.deleteCollection({ context }, {}, {});
  });

  it('watches from a revision, and what enters or leaves a selection', async () => {
    const { stored } = await maps.create(at('w'), configMap('w'));
    const all = await collect({ resourceVersion: String(stored.revision - 1) });
    const red = await collect({ labelSelector: 'color=red', resourceVersion: String(stored.revision) });
    const one = await collect({ namespace: 'default', fieldSelector: 'metadata.name=w' });
    const anywhere = await collect({ fieldSelector: 'metadata.name=w' });
    await maps.patch(at('w'), { type: 'merge', body: { metadata: { labels: { color: 'red' } } } });
    await maps.patch(at('w'), { type: 'merge', body: { data: { a: '2' } } });
    await maps.patch(at('w'), { type: 'merge', body: { metadata: { labels: null } } });
    await maps.delete(at('w'), {});
    assert.deepEqual(all.texts(), ['ADDED w', 'MODIFIED w', 'MODIFIED w', 'MODIFIED w', 'DELETED w']);
    assert.deepEqual(red.texts(), ['ADDED w', 'MODIFIED w', 'DELETED w']);
    assert.deepEqual(one.texts(), all.texts());
    assert.deepEqual(anywhere.texts(), all.texts());
    const last = all.events.at(-1);
    assert.equal(JSON.parse(last?.frame.toString() ?? '').object.metadata.resourceVersion, String(last?.revision));
    for (const watch of [all, red, one, anywhere]) watch.stop();
  });

  it('streams a list as a watch with a bookmark at its end', async () => {
    await maps.create(at('s'), configMap('s'));
    const watch = await collect({
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    });
    assert.deepEqual(
      watch.events.map((e) => e.type),
      ['ADDED', 'BOOKMARK'],
    );
    assert.deepEqual(watch.events[1]?.stored.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
    watch.stop();
    await maps.delete(at('s'), {});
  });

  it('says that a revision is gone after compaction', async () => {
    const { stored } = await maps.create(at('old'), configMap('old'));
    for (let i = 0; i < 5_000; i++) await maps.patch(at('old'), { type: 'merge', body: { data: { a: `${i}` } } });
    const before = await collect({ resourceVersion: String(stored.revision) });
    assert.equal(before.events.length, 5_000);
    before.stop();
    await backend.compact(stored.revision + 10);
    await assert.rejects(collect({ resourceVersion: String(stored.revision) }), { code: 410 });
    await maps.delete(at('old'), {});
  });
});
