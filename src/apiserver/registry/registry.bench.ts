import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '../../base/log.ts';
import { createSqliteBackend } from '../../store/sqlite-backend.ts';
import { startRegistry } from './testing.ts';
import type { Draft } from './types.ts';

/** The write and read path in process, with no HTTP: `node src/apiserver/registry/registry.bench.ts [seconds]`. */
const seconds = Number(process.argv[2] ?? 2);
const folder = await mkdtemp(join(tmpdir(), 'knarr-bench-'));
const backend = createSqliteBackend({ path: join(folder, 'state.db'), log: silent });
const running = await startRegistry({ backend });
const maps = running.use('', 'configmaps');
const body = (name: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', labels: { app: 'bench' } },
    data: { text: 'x'.repeat(400) },
  });

async function measure(what: string, writers: number, one: (writer: number, i: number) => unknown): Promise<void> {
  let done = 0;
  const end = performance.now() + seconds * 1000;
  const cpu = process.cpuUsage();
  const writer = async (name: number): Promise<void> => {
    for (let i = 0; performance.now() < end; i++) {
      await one(name, i);
      done++;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, i) => writer(i)));
  const { user, system } = process.cpuUsage(cpu);
  console.log(`${what}: ${Math.round(done / seconds)}/s, ${((user + system) / done).toFixed(1)} µs of CPU each`);
}

await measure('create, 16 at once', 16, (writer, i) =>
  maps.store.create(maps.at(`${writer}-${i}`), JSON.parse(body(`${writer}-${i}`)) as Draft),
);
await measure('get', 1, (_, i) => maps.store.get({ namespace: 'default', name: `0-${i % 100}` }));
await measure('list of 500', 1, async () =>
  Buffer.concat((await maps.store.list({ limit: 500 })).items.map((item) => item.bytes)),
);
await measure('merge patch over 200, 16 at once', 16, (writer, i) =>
  maps.store.patch(maps.at(`${writer}-${i % 12}`), { type: 'merge', body: { data: { n: `${i}` } } }),
);
const applied = (name: string, i: number): object => ({ ...JSON.parse(body(name)), data: { n: `${i}` } });
await measure('apply over 200, 16 at once', 16, (writer, i) =>
  maps.store.patch(maps.at(`${writer}-${i % 12}`), {
    type: 'apply',
    force: true,
    body: applied(`${writer}-${i % 12}`, i),
  }),
);
let events = 0;
const watches = Array.from({ length: 50 }, () =>
  maps.store.watch(
    { sendInitialEvents: false, resourceVersionMatch: 'NotOlderThan' },
    {
      onEvents(some) {
        for (const event of some) events += Math.sign(event.frame.length);
      },
      onClose() {},
    },
  ),
);
await Promise.all(watches);
await measure('patch with 50 watchers', 16, (writer, i) =>
  maps.store.patch(maps.at(`${writer}-${i % 12}`), { type: 'merge', body: { data: { w: `${i}` } } }),
);
console.log(`events delivered: ${Math.round(events / seconds)}/s`);
globalThis.gc?.();
console.log(
  `${(await maps.store.list({})).items.length} objects, RSS ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
);
await running.stop();
await rm(folder, { recursive: true });
