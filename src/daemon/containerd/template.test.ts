import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { namesInList } from './images.ts';
import { fillTemplate, withTemplate } from './template.ts';

test('the base stands where the template says, all else is as the user wrote it', () => {
  const template = '{{ template "base" . }}\n\n[plugins.x]\n  a = "$&"\n';
  assert.equal(fillTemplate('f', template, 'version = 3\n'), 'version = 3\n\n[plugins.x]\n  a = "$&"\n');
  assert.equal(fillTemplate('f', 'version = 2\n', 'own'), 'version = 2\n');
});

test('any other action of a template is refused by its text', () => {
  assert.throws(
    () => fillTemplate('f.tmpl', 'a\n{{ if .NodeConfig }}\nb\n{{ end }}', 'own'),
    /^KnarrError: f\.tmpl: \{\{ if \.NodeConfig \}\} is not supported/,
  );
});

test('a template counts for the containerd that it was written for', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-template-'));
  t.after(() => rm(folder, { recursive: true }));
  const files = { v2: join(folder, 'config.toml.tmpl'), v3: join(folder, 'config-v3.toml.tmpl') };
  assert.equal(await withTemplate('own', 2, files), 'own');
  await writeFile(files.v2, 'version = 2');
  assert.equal(await withTemplate('own', 1, files), 'version = 2');
  await assert.rejects(withTemplate('own', 2, files), /containerd is version 2: it takes .*config-v3/);
  await writeFile(files.v3, 'version = 3');
  assert.equal(await withTemplate('own', 2, files), 'version = 3');
});

test('a list of images has one name a line', () => {
  assert.deepEqual(namesInList('# ours\nbusybox:1.37\r\n\n  r.example/a:1  \n'), ['busybox:1.37', 'r.example/a:1']);
});
