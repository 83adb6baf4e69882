import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Host } from '../../cloud-config/host.ts';
import { KnarrError } from '../../src/base/errors.ts';
import { fetchConfig, textOf } from './kept-config.ts';

const host: Host = { path: (path) => path, run: async () => ({ code: 0, stdout: '', stderr: '' }) };
const serving = (text: string, status = 200) => ({ http: async () => ({ status, body: Buffer.from(text) }) });

test('a cloud-config is kept as it is written; its mistakes are told', async () => {
  const text = '#cloud-config\n# mine\nhostname: a\nhostnam: b\n';
  assert.deepStrictEqual(await fetchConfig('https://h/c.yaml', host, serving(text)), {
    text,
    warnings: ['https://h/c.yaml:4:1: hostnam: unknown key, left out (is hostname meant?)'],
  });
});

test('what is no cloud-config at all, or not there, is refused', async () => {
  await assert.rejects(fetchConfig('https://h/c', host, serving('a: [b')), /the cloud-config https:\/\/h\/c: .*:1:6/);
  await assert.rejects(fetchConfig('https://h/c', host, serving('', 404)), /answered with 404/);
  await assert.rejects(fetchConfig('/nowhere/c', host), /the cloud-config \/nowhere\/c: ENOENT/);
});

test('a script is kept as the cloud-config that it amounts to', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-kept-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'script'), '#!/bin/sh\ndate\n');
  const { text } = await fetchConfig(`file://${folder}/script`, host);
  assert.equal(text, '#cloud-config\nrun_cmd:\n  - |\n    #!/bin/sh\n    date\n');
});

test('a server that does not answer yet is asked again', async () => {
  let asked = 0;
  const http = async () => {
    if (asked++ === 0) throw new KnarrError({ code: 'unreachable', blame: 'world', message: 'no network' });
    return { status: 200, body: Buffer.from('hostname: a\n') };
  };
  assert.equal((await fetchConfig('http://h/c', host, { http, patienceMs: 5_000 })).text, 'hostname: a\n');
});

test('what only the installer needs is not kept', () => {
  assert.equal(textOf({ k3os: { install: { device: '/dev/sda' } } }), '#cloud-config\n');
  assert.equal(
    textOf({ hostname: 'a', k3os: { token: 't', install: { silent: true } } }),
    '#cloud-config\nhostname: a\nk3os:\n  token: t\n',
  );
});
