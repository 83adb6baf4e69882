import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { appliers } from './appliers.ts';
import { config, differences } from './command.ts';
import { jsonSchema, schemaFile } from './make-json-schema.ts';
import { parseCloudConfig } from './parse.ts';
import { schema } from './schema.ts';
import type { Shape } from './shape.ts';

const folder = join(import.meta.dirname, 'examples');
const valid = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(JSON.parse(jsonSchema()));

test('the published JSON Schema is what the language gives', () => {
  // its layout is the formatter's
  const published: unknown = JSON.parse(readFileSync(schemaFile, 'utf8'));
  assert.deepStrictEqual(published, JSON.parse(jsonSchema()), 'run node cloud-config/make-json-schema.ts');
});

for (const name of readdirSync(folder).sort())
  test(`${name} is right, for us and by the JSON Schema`, () => {
    const text = readFileSync(join(folder, name), 'utf8');
    assert.deepStrictEqual(parseCloudConfig(name, text).problems, []);
    assert.ok(valid(parse(text)), JSON.stringify(valid.errors));
  });

for (const [what, text] of [
  ['an unknown key', 'hostnam: a'],
  ['an unknown encoding', 'write_files: [{path: /a, encoding: rot13}]'],
  ['a file without a path', 'write_files: [{content: a}]'],
  ['a taint without an effect', 'k3os: {taints: [a=b]}'],
  ['a VLAN beyond the last', 'network: {vlans: {v: {id: 5000, link: eth0}}}'],
  ['a list where a map belongs', 'k3os: {labels: [a]}'],
] as const)
  test(`${what} is wrong, for us and by the JSON Schema`, () => {
    assert.notDeepStrictEqual(parseCloudConfig('x', text).problems, []);
    assert.ok(!valid(parse(text)));
  });

test('the page names every key', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/cloud-config.md'), 'utf8');
  const lacking = (shape: Shape & { kind: 'fields' }, before: string): string[] =>
    Object.keys(shape.fields).filter((key) => !page.includes(`\`${before}${key}\``));
  assert.deepStrictEqual(
    [...lacking(schema, ''), ...lacking(schema.fields.k3os, 'k3os.')].filter((key) => key !== 'k3os'),
    [],
  );
});

test('the page names the phases in which each key is applied', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/cloud-config.md'), 'utf8');
  const phasesOf = new Map<string, string>(appliers.map(({ key, phases }) => [key, phases.join(' ')]));
  // commands for later are written down at the boot already
  const others: Record<string, string> = { proxy: 'k3os.environment', run_cmd: '', 'k3os.data_sources': '' };
  const wrong: string[] = [];
  let rows = 0;
  for (const [, keys = '', told = ''] of page.matchAll(/^\| (`[^|]*`) \| ((?:(?:initrd|boot|runtime) ?)+)\|/gm))
    for (const [, key = ''] of keys.matchAll(/`([\w.]+)`/g)) {
      rows++;
      const applier = others[key] ?? (phasesOf.has(key) ? key : key.replace(/^k3os\..*/, 'k3os'));
      if (applier !== '' && phasesOf.get(applier) !== told.trim())
        wrong.push(`${key}: ${told.trim()}, and is applied in ${phasesOf.get(applier)}`);
    }
  assert.deepStrictEqual(wrong, []);
  assert.ok(rows > 25, `${rows} rows were found`);
});

test('every key has an applier that is named after it', () => {
  const names = appliers.map(({ key }) => key);
  assert.deepStrictEqual(
    Object.keys(schema.fields).filter((key) => !['proxy', 'k3os'].includes(key) && !names.includes(key)),
    [],
  );
});

test('config validate prints file, line, column and key, and fails', async () => {
  const said: string[] = [];
  const to = { out: (text: string) => void said.push(text), err: (text: string) => void said.push(text) };
  const good = join(folder, 'agent.yaml');
  assert.equal(await config(['validate', good], undefined, to), 0);
  assert.deepStrictEqual(said, [`${good}: ok\n`]);
  said.length = 0;
  assert.equal(await config(['validate', '/nowhere', folder, good], undefined, to), 1);
  assert.match(said.join(''), /^\/nowhere: ENOENT.*\n.*examples: EISDIR.*\n.*agent\.yaml: ok\n$/);
  said.length = 0;
  assert.equal(await config(['show', '-h'], undefined, to), 0);
  assert.match(said.join(''), /^USAGE:\n +knarr config validate/);
  await assert.rejects(config(['show', 'a'], undefined, to), /config show takes no file: a/);
  await assert.rejects(config(['diff', 'a', 'b'], undefined, to), /one file at a time: a b/);
  await assert.rejects(config(['apply'], undefined, to), /there is no "config apply"/);
});

test('differences name the key, and secrets differ without being shown', () => {
  assert.deepStrictEqual(
    differences(
      { hostname: 'a', k3os: { token: '***', labels: { x: '1' } } },
      { hostname: 'b', k3os: { token: '***', labels: { x: '1', y: '2' } } },
      [
        { hostname: 'a', k3os: { token: 'p', labels: { x: '1' } } },
        { hostname: 'b', k3os: { token: 'q', labels: { x: '1', y: '2' } } },
      ],
    ),
    ['- hostname: a', '+ hostname: b', '- k3os.token: ***', '+ k3os.token: ***', '+ k3os.labels.y: 2'],
  );
});
