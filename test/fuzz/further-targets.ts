import { applyConfiguration, trackUpdate } from '../../src/api/apply.ts';
import { parseJson } from '../../src/api/decode.ts';
import { compileJsonPath } from '../../src/api/json-path.ts';
import type { KubernetesObject } from '../../src/api/object.ts';
import { ApiError } from '../../src/api/status.ts';
import { createImpersonation } from '../../src/apiserver/authn/impersonation/impersonation.ts';
import { decodeJwt } from '../../src/apiserver/authn/jwt.ts';
import { connectOptions } from '../../src/apiserver/connect/connect-options.ts';
import { definitionProblems } from '../../src/apiserver/crd/definition-checks.ts';
import { booleanOf, checkWriteOptions, integerOf } from '../../src/apiserver/handlers/options.ts';
import { continueToken, parseContinue } from '../../src/apiserver/registry/versions.ts';
import { parseRequest } from '../../src/pki/request.ts';
import { createSpdyCodec } from '../../src/wire/spdy-frames.ts';
import { createSpdySession } from '../../src/wire/spdy-session.ts';
import type { Target } from './targets.ts';

const told = (error: unknown): boolean => error instanceof ApiError && error.code < 500;
const text = (input: Buffer): string => input.toString('utf8');

const structure = ['{', '}', '[', ']', '"', ':', ',', 'null', 'true', '1', '"":{}', '"__proto__":{}'];

const configMap = { group: '', version: 'v1', kind: 'ConfigMap' };
const owned = (fieldsV1: object): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'a',
      managedFields: [
        {
          manager: 'm',
          operation: 'Apply',
          apiVersion: 'v1',
          fieldsType: 'FieldsV1',
          time: '2026-01-01T00:00:00Z',
          fieldsV1,
        },
      ],
    },
    data: { a: 'b' },
  });

const definition = (schema: object, more: object = {}): string =>
  JSON.stringify({
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more }],
    },
  });

function spdySeed(): Buffer {
  const codec = createSpdyCodec();
  return Buffer.concat([
    codec.encode({ type: 'syn-stream', streamId: 1, fin: false, headers: { streamtype: 'error' } }),
    codec.encode({ type: 'data', streamId: 1, fin: false, data: Buffer.from('hello') }),
    codec.encode({ type: 'rst-stream', streamId: 1, status: 5 }),
    codec.encode({ type: 'syn-stream', streamId: 3, fin: true, headers: { streamtype: 'data' } }),
    codec.encode({ type: 'ping', id: 3 }),
    codec.encode({ type: 'goaway', lastStreamId: 1, status: 0 }),
  ]);
}

const request = `-----BEGIN CERTIFICATE REQUEST-----
MIHzMIGbAgEAMDkxDDAKBgNVBAMMA2phbmUxDDAKBgNVBAoMA2RldjAbMBkGByqG
-----END CERTIFICATE REQUEST-----
`;

class Flood extends Error {}

/** Allows everything but to be an administrator. */
const impersonation = createImpersonation({
  authorize: (_user, { name }) => ({ allowed: !name.startsWith('system:'), reason: '' }),
});

/** Parsers of what stands inside of requests and objects. */
export const furtherTargets: readonly Target[] = [
  {
    name: 'field-ownership',
    seeds: [
      owned({ 'f:data': { '.': {}, 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:x': {} } } }),
      owned({ 'f:data': { 'k:{"name":"x"}': { '.': {}, 'f:b': {} }, 'v:"y"': {}, 'i:3': {} } }),
    ],
    words: [...structure, '"f:a":', '"k:{}":', '"v:1":', '"i:0":', '".":{}', '"fieldsV1":'],
    run(input) {
      const object = parseJson(text(input), 'ConfigMap') as KubernetesObject | null;
      if (typeof object !== 'object' || object === null || typeof object.metadata !== 'object') return;
      // What is no list of entries is refused before, with the rest of the object.
      if (object.metadata?.managedFields !== undefined && !Array.isArray(object.metadata.managedFields)) return;
      const live = JSON.parse(owned({ 'f:data': { 'f:a': {} } })) as KubernetesObject;
      trackUpdate(configMap, live, structuredClone(object), { manager: 'fuzz', now: new Date(0) });
      const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: 'c' } };
      applyConfiguration(configMap, object, applied as KubernetesObject, {
        manager: 'n',
        now: new Date(0),
        force: true,
      });
    },
    allows: told,
  },
  {
    name: 'json-path',
    seeds: ['.spec.containers[0].name', '{.status.conditions[?(@.type=="Ready")].status}', "$['a b'][*]..c", '.a\\.b'],
    words: ['[?(@', '==', '"', "'", ')]', '[*]', '[-1]', '..', '\\', '$', '@', '{', '}'],
    run: (input) => void compileJsonPath(text(input))({ a: [{ b: 1 }], spec: { x: null } }),
  },
  {
    name: 'token',
    seeds: ['eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA', 'bnVsbA.bnVsbA.', '..'],
    words: ['.', '=', '-', '_', 'bnVsbA', 'W10'],
    run: (input) => void decodeJwt(text(input)),
    allows: () => false,
  },
  {
    name: 'continue',
    seeds: [continueToken({ revision: 5, start: 'default/a\0' }), continueToken({ revision: -1, start: '' }), 'bnVsbA'],
    words: ['e30', 'bnVsbA', '=', '-', '_', 'W10'],
    run: (input) => void parseContinue(text(input)),
    allows: told,
  },
  {
    name: 'query',
    seeds: [
      'dryRun=All&fieldManager=a&fieldValidation=Strict&limit=5&timeoutSeconds=3&force=true',
      'stdin=1&tty=false&command=sh&command=-c&ports=80,443&container=a&limit=-1',
    ],
    words: ['&', '=', '%', '+', 'dryRun=', 'fieldManager=', 'limit=', '9'.repeat(40), '%00', '-', 'ports=', '%ff'],
    run(input) {
      const query = new URLSearchParams(text(input));
      for (const name of ['PodExecOptions', 'PodPortForwardOptions', 'NodeProxyOptions'])
        connectOptions(name, query, '/a');
      const errors: unknown[] = [];
      for (const read of [
        () => checkWriteOptions(query, 'PatchOptions'),
        () => integerOf(query, 'limit'),
        () => booleanOf(query, 'force'),
      ])
        try {
          read();
        } catch (error) {
          errors.push(error);
        }
      for (const error of errors) if (!told(error)) throw error;
    },
    allows: told,
  },
  {
    name: 'impersonation',
    seeds: [
      'impersonate-user: system:serviceaccount:a:b\nimpersonate-group: c, d\nimpersonate-uid: 1',
      'impersonate-user: a\nimpersonate-extra-example.com%2fa: b\nimpersonate-extra-%zz: c',
    ],
    words: ['\n', ': ', '%2f', '%', 'impersonate-user: ', 'impersonate-extra-', 'system:node:', 'system:masters', ':'],
    run(input) {
      const lines = text(input).split('\n');
      const headers = lines.map((line) => [line.split(': ')[0] ?? '', line.split(': ').slice(1).join(': ')] as const);
      void impersonation.actingOf(
        { name: 'a', groups: [] },
        {
          method: 'GET',
          url: '/api/v1/pods?watch=1',
          headers: Object.fromEntries(headers),
          rawHeaders: headers.flat(),
        },
      );
    },
    allows: told,
  },
  {
    name: 'certificate-request',
    seeds: [request, request.replace('MIHz', 'MIIB')],
    words: ['-----BEGIN ', '-----END ', 'CERTIFICATE REQUEST-----', '\n', 'MIHz', 'AAAA', '////', 'oAAw'],
    // Whoever reads a request answers 422 for any Error.
    run: (input) => void parseRequest(text(input)),
  },
  {
    name: 'definition',
    seeds: [
      definition({
        type: 'object',
        properties: { spec: { type: 'object', properties: { a: { type: 'integer', default: 1 } } } },
      }),
      definition({
        type: 'object',
        'x-kubernetes-validations': [{ rule: 'self.a > 1', messageExpression: '"x"' }],
        properties: { a: { type: 'integer' } },
      }),
      definition(
        {
          type: 'object',
          properties: {
            l: {
              type: 'array',
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['k'],
              items: { type: 'object', required: ['k'], properties: { k: { type: 'string', pattern: '^(a+)+$' } } },
            },
          },
        },
        {
          additionalPrinterColumns: [{ name: 'x', type: 'string', jsonPath: '.spec.a' }],
          selectableFields: [{ jsonPath: '.spec.a' }],
        },
      ),
    ],
    words: [
      ...structure,
      '"properties":',
      '"items":',
      '"type":"object"',
      '"default":',
      '"anyOf":[{}]',
      '"nullable":true',
      '"pattern":"["',
    ],
    run(input) {
      const value = parseJson(text(input), 'CustomResourceDefinition') as { spec?: { versions?: unknown } } | null;
      // The decoder has seen to the types of all fields above the schemas.
      if (typeof value !== 'object' || value === null) return;
      const pristine = JSON.parse(definition({})) as { spec: { versions: { schema: unknown }[] } };
      const versions = value.spec?.versions;
      const first: unknown = Array.isArray(versions) ? versions[0] : undefined;
      const schema = (first as { schema?: unknown } | null | undefined)?.schema;
      if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return;
      for (const version of pristine.spec.versions) version.schema = schema;
      definitionProblems(pristine as unknown as Parameters<typeof definitionProblems>[0]);
    },
    allows: told,
  },
  {
    name: 'spdy-session',
    seeds: [spdySeed()],
    words: ['\x80\x03\x00\x01', '\x00\x00\x00\x01', '\x00\xff\xff\xff', '\x80\x03\x00\x03', '\x80\x03\x00\x07'],
    run(input) {
      let sent = 0;
      const session = createSpdySession({
        role: 'server',
        write: (bytes) => {
          sent += bytes.length;
        },
        onStream: (stream) => stream.write(Buffer.from('answer')),
      });
      const middle = input.length >> 1;
      session.feed(input.subarray(0, middle));
      session.feed(input.subarray(middle));
      session.close();
      if (sent > 100 * (input.length + 1000)) throw new Flood(`${sent} bytes were sent for ${input.length}`);
    },
    allows: (error) => error instanceof Error && !(error instanceof Flood),
  },
];
