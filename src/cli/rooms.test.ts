import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const src = resolve(import.meta.dirname, '..');
const levels: Record<string, number> = JSON.parse(readFileSync(join(src, 'rooms.json'), 'utf8'));

/** Every relative import in the text of one file. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g)].map((m) => m[1] ?? '');
}

const roomOf = (path: string): string => relative(src, path).split('/')[0] ?? '';

test('a file imports only from its own room or from a lower level', () => {
  const wrong: string[] = [];
  for (const file of globSync('**/*.{ts,json}', { cwd: src })) {
    if (file === 'rooms.json') continue;
    const room = file.split('/')[0] ?? '';
    const level = levels[room];
    if (level === undefined) {
      wrong.push(`${file}: no room of that name in rooms.json`);
      continue;
    }
    if (!file.endsWith('.ts')) continue;
    for (const specifier of importsOf(readFileSync(join(src, file), 'utf8'))) {
      const target = resolve(dirname(join(src, file)), specifier);
      if (!target.startsWith(`${src}/`)) {
        wrong.push(`${file}: imports ${specifier} from outside src`);
        continue;
      }
      const other = roomOf(target);
      if (other !== room && !((levels[other] ?? Number.POSITIVE_INFINITY) < level))
        wrong.push(`${file}: imports ${specifier}`);
    }
  }
  assert.deepStrictEqual(wrong, []);
});

test('only apiserver imports store, only kubelet imports cri, below the daemon', () => {
  const wrong: string[] = [];
  for (const file of globSync('**/*.ts', { cwd: src })) {
    const room = file.split('/')[0] ?? '';
    if ((levels[room] ?? 0) >= 4) continue;
    for (const specifier of importsOf(readFileSync(join(src, file), 'utf8'))) {
      const other = roomOf(resolve(dirname(join(src, file)), specifier));
      if (other === 'store' && room !== 'store' && room !== 'apiserver') wrong.push(`${file}: ${specifier}`);
      if (other === 'cri' && room !== 'cri' && room !== 'kubelet') wrong.push(`${file}: ${specifier}`);
    }
  }
  assert.deepStrictEqual(wrong, []);
});

test('the generated declarations are what the facts give', async () => {
  const { generate } = await import('../api/gen/make.ts');
  for (const [name, text] of generate()) {
    assert.equal(readFileSync(join(src, 'api/gen', name), 'utf8'), text, `${name}: run node src/api/gen/make.ts`);
  }
});
