import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silent } from '../base/log.ts';
import type { Backend } from './backend.ts';
import { createSqliteBackend } from './sqlite-backend.ts';

const rounds = Number(process.env.KNARR_CRASH_ROUNDS ?? 8);

interface Acknowledged {
  text: string;
  revision: number;
}

/** Runs the writer until it has acknowledged some writes, kills it at a random moment, gives what it had acknowledged. */
async function crash(path: string, round: number): Promise<Map<string, Acknowledged>> {
  const program = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
  const child = spawn(process.execPath, [program, path, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (output === '') setTimeout(() => child.kill('SIGKILL'), Math.random() * 150);
    output += chunk;
  });
  await once(child, 'close');
  const lines = output.slice(0, output.lastIndexOf('\n')).split('\n');
  return new Map(
    lines.map((line) => {
      const [key = '', text = '', revision] = line.split(' ');
      return [key, { text, revision: Number(revision) }];
    }),
  );
}

/** The last event of every key in the whole history. */
async function replay(backend: Backend): Promise<Map<string, Acknowledged>> {
  const newest = new Map<string, Acknowledged>();
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = backend.watch({
    prefix: '/crash/',
    after: 0,
    onEvents({ events }) {
      for (const event of events) {
        const text = event.type === 'put' ? event.entry.value.toString() : '-';
        newest.set(event.key, { text, revision: event.revision });
      }
      resolve();
    },
  });
  await promise;
  stop();
  return newest;
}

it(`loses no acknowledged write and repeats no revision when killed ${rounds} times`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-crash-'));
  const path = join(folder, 'state.db');
  let highest = 0;
  let checked = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      const acknowledged = await crash(path, round);
      const backend = createSqliteBackend({ path, log: silent });
      await backend.start();
      try {
        const newest = await replay(backend);
        for (const [key, { text, revision }] of acknowledged) {
          assert.ok(revision > highest, `revision ${revision} was given out before`);
          const found = newest.get(key);
          // A newer write of the key may have become durable without having been acknowledged.
          assert.ok(
            found && found.revision >= revision,
            `${key} is at ${found?.revision}, acknowledged was ${revision}`,
          );
          if (found.revision === revision) assert.equal(found.text, text, key);
          checked++;
        }
        highest = await backend.currentRevision();
      } finally {
        await backend.stop();
      }
    }
    assert.ok(checked > rounds * 20, `only ${checked} writes were checked`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
