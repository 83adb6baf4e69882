import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isApiError } from '../../api/status.ts';
import { type Endpoint, endpoints, isForReading, negotiate, negotiatePlain, negotiateStream } from './negotiate.ts';

const form = (accept: string | undefined, endpoint: Endpoint = endpoints.object): string => {
  try {
    const type = negotiate(accept, endpoint);
    return [type.encoding, type.as, type.pretty ? 'pretty' : ''].filter(Boolean).join(' ');
  } catch (error) {
    if (!isApiError(error, 'NotAcceptable')) throw error;
    return error.message;
  }
};

const kubectl =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
const metadata = 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const all = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
const unrouted = `406: Not Acceptable\n\nAvailable representations: ${all}`;
const refused = `only the following media types are accepted: ${all}`;

const rows: [string, string | undefined, Endpoint, string][] = [
  ['no header is JSON', undefined, endpoints.object, 'json'],
  ['a wildcard is JSON', '*/*', endpoints.object, 'json'],
  ['the first of many', 'application/vnd.kubernetes.protobuf,application/json', endpoints.object, 'protobuf'],
  ['the best of many', 'text/html, application/json;q=0.1, application/yaml;q=0.5', endpoints.object, 'yaml'],
  ['none that is better than nothing', 'application/json;q=0', endpoints.object, 'json'],
  ['what kubectl asks for is a table', kubectl, endpoints.object, 'json Table'],
  ['or JSON, where there are no tables', kubectl, endpoints.review, 'json'],
  ['a table is no protobuf', kubectl.replaceAll('json', 'vnd.kubernetes.protobuf'), endpoints.object, 'protobuf'],
  ['a custom resource is no protobuf', 'application/vnd.kubernetes.protobuf', endpoints.custom, refused],
  ['but its metadata is', metadata, endpoints.custom, 'protobuf PartialObjectMetadata'],
  ['a router refuses what it does not know', 'text/plain', endpoints.object, unrouted],
  ['and types in another case', 'APPLICATION/JSON', endpoints.object, unrouted],
  ['and half a wildcard', 'application/*', endpoints.object, unrouted],
  ['which is good elsewhere', 'application/*', endpoints.custom, 'json'],
  ['a form that nobody has', 'application/json;as=Table;v=v2;g=meta.k8s.io', endpoints.object, refused],
  ['a stream that nobody has', 'application/json;stream=x', endpoints.object, refused],
  ['an answer to read', 'application/json;pretty=1', endpoints.object, 'json pretty'],
  [
    'discovery in one document',
    'application/yaml;as=APIGroupDiscoveryList;g=apidiscovery.k8s.io;v=v2',
    endpoints.discovery,
    'yaml APIGroupDiscoveryList',
  ],
];

describe('what an Accept header asks for', () => {
  for (const [name, accept, endpoint, expected] of rows) it(name, () => assert.equal(form(accept, endpoint), expected));
});

it('there is no stream of YAML', () =>
  assert.throws(() => negotiateStream('application/yaml', endpoints.list), {
    message:
      'only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
  }));

it('an error is told in any case', () => {
  assert.equal(negotiatePlain('application/yaml').encoding, 'yaml');
  assert.deepStrictEqual(negotiatePlain('text/plain'), { ...negotiatePlain(undefined), pretty: true });
});

it('people read what is indented', () => {
  assert.equal(isForReading('/api', { 'user-agent': 'curl/8' }), true);
  assert.equal(isForReading('/api?pretty=false', { 'user-agent': 'curl/8' }), false);
  assert.equal(isForReading('/api?pretty=1', {}), true);
  assert.equal(isForReading('/api', {}), false);
});
