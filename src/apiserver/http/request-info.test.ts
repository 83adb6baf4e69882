import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequestInfo } from './request-info.ts';

const info = (method: string, url: string): string => {
  const [path = '', query = ''] = url.split('?');
  const i = parseRequestInfo(method, path, new URLSearchParams(query));
  return i.isResource
    ? [i.verb, i.group, i.version, i.namespace, i.resource, i.name, i.subresource].join('|')
    : `${i.verb} ${i.path}`;
};

const rows: [string, string, string][] = [
  ['GET', '/api/v1/namespaces', 'list||v1||namespaces||'],
  ['GET', '/api/v1/namespaces/other', 'get||v1|other|namespaces|other|'],
  ['PUT', '/api/v1/namespaces/other/finalize', 'update||v1|other|namespaces|other|finalize'],
  ['GET', '/api/v1/namespaces/other/pods', 'list||v1|other|pods||'],
  ['GET', '/api/v1/namespaces/other/pods/foo', 'get||v1|other|pods|foo|'],
  ['HEAD', '/api/v1/namespaces/other/pods/foo', 'get||v1|other|pods|foo|'],
  ['GET', '/api/v1/pods?watch=true', 'watch||v1||pods||'],
  ['GET', '/api/v1/pods?watch=0', 'list||v1||pods||'],
  ['GET', '/api/v1/watch/namespaces/other/pods', 'watch||v1|other|pods||'],
  ['GET', '/api/v1/namespaces/other/pods?fieldSelector=metadata.name%3Dfoo', 'list||v1|other|pods|foo|'],
  ['DELETE', '/api/v1/namespaces/other/pods', 'deletecollection||v1|other|pods||'],
  ['POST', '/api/v1/namespaces/other/pods/foo/exec', 'create||v1|other|pods|foo|exec'],
  ['PATCH', '/apis/apps/v1/namespaces/a/deployments/d/scale', 'patch|apps|v1|a|deployments|d|scale'],
  ['GET', '/apis/apps/v1', 'get /apis/apps/v1'],
  ['GET', '/api/v1', 'get /api/v1'],
  [
    'GET',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
    'get|rbac.authorization.k8s.io|v1||clusterroles|system:node|',
  ],
  ['GET', '/healthz/ping', 'get /healthz/ping'],
];

for (const [method, url, want] of rows) test(`${method} ${url}`, () => assert.equal(info(method, url), want));
