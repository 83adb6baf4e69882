import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxiedPath } from './proxied-path.ts';

const cases: [string, string, object][] = [
  [
    'a namespace may be called like the subresource',
    '/api/v1/namespaces/proxy-1/pods/proxy/proxy/a/proxy/b?c=/proxy',
    { prefix: '/api/v1/namespaces/proxy-1/pods/proxy/proxy', path: '/a/proxy/b', query: '?c=/proxy' },
  ],
  [
    'without a slash at its end there is no path',
    '/api/v1/namespaces/a/services/b:c/proxy?d',
    { prefix: '/api/v1/namespaces/a/services/b:c/proxy', path: '', query: '?d' },
  ],
  ['nodes have no namespace', '/api/v1/nodes/n/proxy/', { prefix: '/api/v1/nodes/n/proxy', path: '/', query: '' }],
];
for (const [name, url, expected] of cases) test(name, () => assert.deepStrictEqual(proxiedPath(url), expected));
