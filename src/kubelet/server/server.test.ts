import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../../base/eventually.ts';
import { subresourcesOf } from './authentication.ts';
import { logContainerId, logQueryOf } from './container-logs.ts';
import { type LogQuery, readLog } from './log-reader.ts';
import { exposition } from './metrics.ts';

const line = (second: number, text: string, stream = 'stdout', tag = 'F') =>
  `2026-01-01T00:00:0${second}.000000000Z ${stream} ${tag} ${text}\n`;
const content =
  line(1, 'one') + line(2, 'two-', 'stdout', 'P') + line(2, 'more') + line(3, 'bad', 'stderr') + line(4, 'four');
const all: LogQuery = { follow: false, timestamps: false, stream: 'All' };

async function read(path: string, query: Partial<LogQuery>): Promise<string> {
  const parts: Buffer[] = [];
  await readLog({
    path,
    query: { ...all, ...query },
    write: async (data) => void parts.push(Buffer.from(data)),
    running: async () => false,
    signal: new AbortController().signal,
  });
  return Buffer.concat(parts).toString();
}

const rows: [string, Partial<LogQuery>, string][] = [
  ['all of it, cut lines joined', {}, 'one\ntwo-more\nbad\nfour\n'],
  ['the last lines', { tailLines: 2 }, 'bad\nfour\n'],
  ['no lines', { tailLines: 0 }, ''],
  ['more lines than there are', { tailLines: 99 }, 'one\ntwo-more\nbad\nfour\n'],
  ['since a time', { sinceMs: Date.UTC(2026, 0, 1, 0, 0, 3) }, 'bad\nfour\n'],
  ['one stream', { stream: 'Stderr' }, 'bad\n'],
  ['at most so many bytes', { limitBytes: 6 }, 'one\ntw'],
  ['with times', { tailLines: 1, timestamps: true }, '2026-01-01T00:00:04.000000000Z four\n'],
];

test('a log is read as asked', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-log-'));
  const path = join(folder, '0.log');
  await writeFile(path, content);
  try {
    for (const [name, query, expected] of rows)
      await t.test(name, async () => assert.equal(await read(path, query), expected));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('what is written while the last lines are read is none of them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-log-'));
  const path = join(folder, '0.log');
  // So long that it takes a second reading from the file.
  await writeFile(path, line(1, 'one') + line(2, 'x'.repeat(100_000)));
  const parts: string[] = [];
  try {
    await readLog({
      path,
      query: { ...all, tailLines: 1 },
      write: async (data) => {
        parts.push(data.toString());
        await appendFile(path, line(3, 'late'));
      },
      running: async () => false,
      signal: new AbortController().signal,
    });
    assert.equal(parts.length, 1);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('following goes on across a rotation and ends with the container', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-log-'));
  const path = join(folder, '0.log');
  await writeFile(path, line(1, 'one'));
  let running = true;
  let heard = '';
  const until = (text: string): Promise<void> => eventually(text, () => assert.ok(heard.includes(text), heard));
  const done = readLog({
    path,
    query: { ...all, follow: true },
    write: async (data) => {
      heard += data.toString();
    },
    running: async () => running,
    signal: new AbortController().signal,
  });
  try {
    await until('one');
    await appendFile(path, line(2, 'two'));
    await until('two');
    await rename(path, `${path}.old`);
    await writeFile(path, line(3, 'three'));
    await until('three');
    running = false;
    await appendFile(path, line(4, 'four'));
    await done;
    assert.equal(heard, 'one\ntwo\nthree\nfour\n');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('which container is meant, and why there is none', () => {
  const base = { name: 'c', image: '', imageID: '', ready: false, restartCount: 0 };
  const status = (state: object, lastState = {}) => ({
    containerStatuses: [{ ...base, containerID: 'containerd://now', state, lastState }],
  });
  const last = { terminated: { exitCode: 1, containerID: 'containerd://before' } };
  assert.equal(logContainerId('p', status({ running: {} }), 'c', false), 'now');
  assert.equal(logContainerId('p', status({ running: {} }, last), 'c', true), 'before');
  assert.equal(logContainerId('p', status({ waiting: { reason: 'CrashLoopBackOff' } }, last), 'c', false), 'before');
  assert.throws(
    () => logContainerId('p', status({ running: {} }), 'c', true),
    /previous terminated container "c" in pod "p" not found/,
  );
  assert.throws(
    () => logContainerId('p', status({ waiting: { reason: 'ErrImagePull' } }), 'c', false),
    /is waiting to start: image can't be pulled/,
  );
});

test('the query of a log', () => {
  const query = logQueryOf(new URLSearchParams('follow=true&tailLines=5&sinceSeconds=2&limitBytes=9'), 10_000);
  assert.deepStrictEqual(query, {
    follow: true,
    previous: false,
    timestamps: false,
    tailLines: 5,
    limitBytes: 9,
    sinceMs: 8000,
    stream: 'All',
  });
  assert.throws(() => logQueryOf(new URLSearchParams('tailLines=-1'), 0), /Invalid request/);
});

test('what a path is for in the eyes of the authorizer', () => {
  const paths = ['/pods', '/stats/summary', '/metrics/resource', '/logs/', '/exec/a/b/c', '/healthz', '/podsish'];
  assert.deepStrictEqual(paths.map(subresourcesOf), [
    ['pods', 'proxy'],
    ['stats'],
    ['metrics'],
    ['log'],
    ['proxy'],
    ['healthz', 'proxy'],
    ['proxy'],
  ]);
});

test('metrics in the text format', () => {
  const text = exposition([{ name: 'm', type: 'gauge', help: 'h', samples: [{ labels: { a: 'x"y\n' }, value: 1.5 }] }]);
  assert.equal(text, '# HELP m h\n# TYPE m gauge\nm{a="x\\"y\\n"} 1.5\n');
});
