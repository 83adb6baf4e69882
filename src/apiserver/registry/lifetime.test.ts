import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silent } from '../../base/log.ts';
import { createSqliteBackend } from '../../store/sqlite-backend.ts';
import { startRegistry } from './testing.ts';
import type { Draft, ResourceDefinition, WatchEvent } from './types.ts';

const schema = {
  decode: (object: Draft) => object,
  applyDefaults() {},
  validateCreate: () => [],
  validateUpdate: () => [],
};

const widgets: ResourceDefinition = {
  group: 'example.com',
  resource: 'widgets',
  singular: 'widget',
  kind: 'Widget',
  listKind: 'WidgetList',
  namespaced: true,
  shortNames: [],
  categories: [],
  verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
  subresources: [],
  versions: [
    { version: 'v1', served: true, schema },
    { version: 'v2', served: true, schema },
  ],
  storageVersion: 'v1',
  convert: (object, to) => ({ ...object, apiVersion: `${to.group}/${to.version}`, seenAs: to.version }),
  strategy: {},
  selectableFields: {},
};

describe('registry over time', () => {
  it('goes on where it was after a restart, watches too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'knarr-registry-'));
    const open = () => startRegistry({ backend: createSqliteBackend({ path: join(folder, 'state.db'), log: silent }) });
    try {
      const before = await open();
      const maps = before.use('', 'configmaps');
      const { metadata } = await maps.create('a', { data: { x: '1' } });
      await maps.merge('a', { data: { x: '2' } });
      await maps.create('b');
      await maps.delete('b');
      const bytes = (await maps.store.get(maps.at('a').place)).bytes.toString();
      await before.stop();

      const after = await open();
      const again = after.use('', 'configmaps');
      assert.equal((await again.store.get(again.at('a').place)).bytes.toString(), bytes);
      const events: WatchEvent[] = [];
      const watch = await again.store.watch(
        { resourceVersion: metadata.resourceVersion },
        { onEvents: (some) => void events.push(...some), onClose() {} },
      );
      await again.merge('a', { data: { x: '3' } });
      assert.deepEqual(
        events.map((e) => `${e.type} ${e.stored.name}`),
        ['MODIFIED a', 'ADDED b', 'DELETED b', 'MODIFIED a'],
      );
      watch.stop();
      await after.stop();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('takes resources in and out while it runs, keeps their objects, and shows them in every version', async () => {
    const running = await startRegistry();
    const { registry } = running;
    let changes = 0;
    registry.onChange(() => void changes++);
    await registry.add(widgets);
    const own = running.use('example.com', 'widgets');
    await own.create('w', { spec: { size: 1 } });
    const v2 = registry.lookup('example.com', 'v2', 'widgets');
    const place = { namespace: 'default', name: 'w' };
    assert.equal((await v2?.get(place))?.object.seenAs, 'v2');
    const closed: boolean[] = [];
    await v2?.watch({}, { onEvents() {}, onClose: () => closed.push(true) });
    await registry.remove('example.com', 'widgets');
    assert.deepEqual(closed, [true]);
    assert.equal(registry.lookup('example.com', 'v1', 'widgets'), undefined);
    await registry.add(widgets);
    const list = await registry.lookup('example.com', 'v1', 'widgets')?.list({});
    assert.deepEqual(
      list?.items.map((item) => item.name),
      ['w'],
    );
    assert.equal(changes, 3);
    await running.stop();
  });

  it('serves both versions of an autoscaler from one object', async () => {
    const running = await startRegistry();
    const v2 = running.use('autoscaling', 'horizontalpodautoscalers');
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
    await v2.create('h', { spec: { maxReplicas: 3, scaleTargetRef } });
    const v1 = running.registry.lookup('autoscaling', 'v1', 'horizontalpodautoscalers');
    const place = { namespace: 'default', name: 'h' };
    assert.equal((await v1?.get(place))?.object.apiVersion, 'autoscaling/v1');
    const patch = { type: 'merge', body: { spec: { maxReplicas: 5 } } } as const;
    await v1?.patch({ context: v2.at('h').context, place }, patch);
    assert.equal((await v2.get<{ spec: { maxReplicas: number } }>('h')).spec.maxReplicas, 5);
    await running.stop();
  });
});
