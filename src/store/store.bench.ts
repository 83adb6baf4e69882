import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '../base/log.ts';
import { createSqliteBackend } from './sqlite-backend.ts';

/** Durable writes per second of the SQLite backend: `node src/store/store.bench.ts [folder] [seconds]`. */
const folder = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'knarr-bench-'));
const seconds = Number(process.argv[3] ?? 3);
const backend = createSqliteBackend({ path: join(folder, 'state.db'), log: silent });
await backend.start();

for (const writers of [1, 16, 64, 256]) {
  let writes = 0;
  const end = performance.now() + seconds * 1000;
  const cpu = process.cpuUsage();
  const writer = async (name: number): Promise<void> => {
    for (let i = 0; performance.now() < end; i++) {
      await backend.write({ key: `/registry/core/configmaps/default/${name}-${i}`, value: Buffer.alloc(700, 97) });
      writes++;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, i) => writer(i)));
  const { user, system } = process.cpuUsage(cpu);
  const perWrite = (user + system) / writes;
  console.log(
    `${writers} writers: ${Math.round(writes / seconds)} durable writes/s, ${perWrite.toFixed(1)} µs of CPU each`,
  );
}
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
console.log(`database ${megabytes(await backend.size())}, RSS ${megabytes(process.memoryUsage().rss)}`);
await backend.stop();
await rm(folder, { recursive: true });
