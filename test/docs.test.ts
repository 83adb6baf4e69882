import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');
const pages = ['README.md', ...globSync('docs/*.md', { cwd: root })];

test('every box of the diagrams is a function where the box says', () => {
  const wrong: string[] = [];
  for (const page of pages) {
    for (const [, file = '', name = ''] of readFileSync(join(root, page), 'utf8').matchAll(
      /\["([\w./-]+\.ts) (\w+)"\]/g,
    )) {
      const path = [join(root, 'src', file), join(root, 'src/apiserver', file), join(root, file)].find(existsSync);
      const declared = new RegExp(`\\b(function|const) ${name}\\b`);
      if (!path || !declared.test(readFileSync(path, 'utf8'))) wrong.push(`${page}: ${file} ${name}`);
    }
  }
  assert.deepStrictEqual(wrong, []);
});

test('every relative link of the documentation leads to a file', () => {
  const wrong: string[] = [];
  for (const page of pages) {
    for (const [, target = ''] of readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(root, dirname(page), target))) wrong.push(`${page}: ${target}`);
    }
  }
  assert.deepStrictEqual(wrong, []);
});
