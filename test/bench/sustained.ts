import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { configmaps } from '../../src/api/gen/resources.ts';
import type { Measurement } from './measure.ts';
import { type OwnServer, startShippedServer } from './own-server.ts';
import { openTarget, type Target } from './target.ts';

const perSecond = 1_000;
const objects = 200;
const tickMs = 20;
const sampleMs = 10_000;

/** Bytes of the datastore's files. */
async function databaseBytes({ folder }: OwnServer): Promise<number> {
  const path = join(folder, 'server/db');
  const names = (await readdir(path)).filter((name) => name.startsWith('state.db'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(path, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Patches in an even stream; resolves with how many were answered. */
async function write({ client, namespace }: Target, seconds: number): Promise<number> {
  let begun = 0;
  let answered = 0;
  let failure: unknown;
  const running = new Set<Promise<void>>();
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000 && failure === undefined) {
    const due = ((performance.now() - begin) * perSecond) / 1000;
    for (; begun < due && running.size < perSecond; begun++) {
      const body = { data: { key: `${begun}`, text: 'x'.repeat(400) } };
      const one = client
        .patch(configmaps, `busy-${begun % objects}`, { type: 'merge', body }, { namespace })
        .then(
          () => void answered++,
          (error: unknown) => {
            failure = error;
          },
        )
        .finally(() => running.delete(one));
      running.add(one);
    }
    await sleep(tickMs);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure;
  return answered;
}

/** What a thousand writes a second leave on the disk: the most that the datastore took, and what it takes at the end. */
export const sustained: Measurement = {
  names: ['sustained_database_mb'],
  onlyByName: true,
  async run({ seconds = 600, say }) {
    const server = await startShippedServer();
    try {
      const target = await openTarget(server.kubeconfig);
      const { client, namespace } = target;
      for (let i = 0; i < objects; i++)
        await client.create(configmaps, { metadata: { name: `busy-${i}`, namespace }, data: {} }, { namespace });
      let most = 0;
      const sample = async (): Promise<void> => {
        const bytes = await databaseBytes(server);
        most = Math.max(most, bytes);
        say(`${Math.round(performance.now() / 1000)} s: ${(bytes / 1e6).toFixed(0)} MB`);
      };
      const timer = setInterval(() => void sample().catch(() => {}), sampleMs);
      const written = await write(target, seconds).finally(() => clearInterval(timer));
      await sample();
      target.abandon();
      const rate = Math.round(written / seconds);
      return [
        {
          name: 'sustained_database_mb',
          value: most / 1e6,
          unit: 'MB',
          better: 'lower',
          note: `the most in ${seconds} s of ${rate} writes/s, ${written} in all`,
        },
      ];
    } finally {
      await server.stop();
    }
  },
};
