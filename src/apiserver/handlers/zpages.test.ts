import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Call } from './call.ts';
import { createZPages } from './zpages.ts';

const startedAt = Date.UTC(2026, 10, 5, 19, 41, 53);
const pages = createZPages({
  startedAt,
  paths: () => ['/', '/api/v1', '/healthz', '/healthz/ping', '/openid/v1/jwks', '/version'],
  flags: new Map([
    ['tls-min-version', ['VersionTLS12']],
    ['audit-log-path', ['-']],
  ]),
});

const call = (accept?: string): Call =>
  ({ headers: accept === undefined ? {} : { accept }, url: '/', warnings: [] }) as unknown as Call;

const bodyOf = (answer: Answer | undefined): [string, string] =>
  answer?.kind === 'bytes' ? [answer.type, String(answer.body)] : ['', ''];

test('people read how the server is and what it was started with', () => {
  const [type, text] = bodyOf(pages.statusz(call('text/html;q=0.9, */*;q=0.8')));
  assert.equal(type, 'text/plain; charset=utf-8');
  assert.match(text, /^\napiserver statusz\nWarning: .*\n\nStarted: Thu Nov {2}5 19:41:53 UTC 2026\nUp: /);
  assert.match(text, /\nBinary version: 1\.36\.3\nEmulation version: 1\.36\nPaths: \/healthz \/version\n$/);
  assert.match(bodyOf(pages.flagz?.(call()))[1], /\naudit-log-path:-\ntls-min-version:VersionTLS12\n$/);
});

test('programs ask for a kind, the older one with a warning', () => {
  const [type, text] = bodyOf(pages.flagz?.(call('application/json;as=Flagz;v=v1beta1;g=config.k8s.io')));
  assert.equal(type, 'application/json;g=config.k8s.io;v=v1beta1;as=Flagz');
  assert.deepStrictEqual(JSON.parse(text), {
    kind: 'Flagz',
    apiVersion: 'config.k8s.io/v1beta1',
    metadata: { name: 'apiserver' },
    flags: { 'audit-log-path': '-', 'tls-min-version': 'VersionTLS12' },
  });
  const old = call('application/yaml;as=Statusz;v=v1alpha1;g=config.k8s.io');
  assert.match(bodyOf(pages.statusz(old))[1], /^apiVersion: config\.k8s\.io\/v1alpha1\nbinaryVersion: 1\.36\.3\n/);
  assert.deepStrictEqual(old.warnings, [
    'This version of the statusz endpoint is deprecated. Please use a newer version.',
  ]);
});

test('nothing else is there, and no flags where nobody told them', () => {
  for (const accept of ['application/json', 'text/html', 'application/json;as=Flagz;v=v1beta1;g=config.k8s.io'])
    assert.throws(() => pages.statusz(call(accept)), /accepted: application\/json, application\/yaml, text\/plain$/);
  assert.equal(createZPages({ startedAt, paths: () => [], flags: undefined }).flagz, undefined);
});
