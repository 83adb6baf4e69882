import assert from 'node:assert/strict';
import { test } from 'node:test';
import { debianArchive, parseDeb822, parseOneLine } from './apt-sources.ts';

test('one-line sources, with options and comments', () => {
  assert.deepStrictEqual(
    parseOneLine(
      '# deb http://no.example/ x main\ndeb [arch=amd64 signed-by=/k.gpg] http://a.example/debian trixie main contrib\ndeb-src http://a.example/debian trixie main\n  deb http://s.example/sec trixie-security main\n',
    ),
    [
      { uri: 'http://a.example/debian', suite: 'trixie' },
      { uri: 'http://s.example/sec', suite: 'trixie-security' },
    ],
  );
});

test('deb822 sources, with continuation lines, comments and disabled stanzas', () => {
  assert.deepStrictEqual(
    parseDeb822(
      'Types: deb deb-src\n# a comment\nURIs: http://a.example/debian\nSuites: bookworm\n bookworm-updates\nComponents: main\n\nTypes: deb\nEnabled: no\nURIs: http://b.example\nSuites: sid\n\nTypes: deb-src\nURIs: http://c.example\nSuites: sid\n',
    ),
    [
      { uri: 'http://a.example/debian', suite: 'bookworm' },
      { uri: 'http://a.example/debian', suite: 'bookworm-updates' },
    ],
  );
});

test("Debian's archive is known by its suites", () => {
  const ubuntu = [
    { uri: 'http://u.example/ubuntu', suite: 'noble' },
    { uri: 'http://u.example/ubuntu', suite: 'noble-security' },
  ];
  assert.deepStrictEqual(debianArchive(ubuntu), { main: undefined, security: undefined });
  assert.deepStrictEqual(
    debianArchive([
      ...ubuntu,
      { uri: 'http://s.example/sec', suite: 'bookworm-security' },
      { uri: 'http://a.example/debian', suite: 'bookworm' },
    ]),
    { main: 'http://a.example/debian', security: 'http://s.example/sec' },
  );
});
