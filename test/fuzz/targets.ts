import { applyConfiguration } from '../../src/api/apply.ts';
import { decodeJson, decodeValue, parseJson } from '../../src/api/decode.ts';
import type { KubernetesObject } from '../../src/api/object.ts';
import { applyJsonPatch } from '../../src/api/patch-json.ts';
import { applyMergePatch } from '../../src/api/patch-merge.ts';
import { applyStrategicPatch } from '../../src/api/patch-strategic.ts';
import { canonicalQuantity, QuantityError } from '../../src/api/quantity.ts';
import { type GroupVersionKind, parseKind } from '../../src/api/schema.ts';
import { matchesLabels, parseFieldSelector, parseLabelSelector } from '../../src/api/selectors.ts';
import { ApiError } from '../../src/api/status.ts';
import { validateCreate } from '../../src/api/validate.ts';
import { compileExpression } from '../../src/apiserver/cel/expression.ts';
import { readYaml } from '../../src/apiserver/handlers/yaml-body.ts';
import { endpoints, negotiate } from '../../src/apiserver/http/negotiate.ts';
import { parseRequestInfo } from '../../src/apiserver/http/request-info.ts';
import { emptyReply, readQuery, sizeLimit, writeReply } from '../../src/dns/message.ts';
import { decode as decodeProtobuf, encode as encodeProtobuf } from '../../src/wire/protobuf.ts';
import { chooseProtocol, decodeMessage } from '../../src/wire/remote-command.ts';
import { createSpdyCodec } from '../../src/wire/spdy-frames.ts';
import { furtherTargets } from './further-targets.ts';

/** One parser that the network reaches. */
export interface Target {
  readonly name: string;
  /** What mutation starts from. */
  readonly seeds: readonly (string | Buffer)[];
  /** Pieces that are put in whole. */
  readonly words: readonly string[];
  /** Must end, and throw nothing but what `allows` lets pass. */
  run(input: Buffer): void;
  /** What the parser's callers expect to be thrown. Default: any Error (they catch all). */
  allows?(error: unknown): boolean;
}

/** A 4xx, not a 5xx: the client is told what it did wrong. */
const told = (error: unknown): boolean => error instanceof ApiError && error.code < 500;

const facts = { namespaced: true };
const podKind: GroupVersionKind = { group: '', version: 'v1', kind: 'Pod' };
const deploymentKind: GroupVersionKind = { group: 'apps', version: 'v1', kind: 'Deployment' };
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'default', labels: { app: 'a' }, annotations: { x: 'é\u0000"' } },
  spec: {
    containers: [
      {
        name: 'c',
        image: 'i',
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        env: [{ name: 'A', value: 'b' }],
        resources: { limits: { cpu: '100m', memory: '1Gi' } },
      },
    ],
    tolerations: [{ key: 'k', operator: 'Exists' }],
    volumes: [{ name: 'v', emptyDir: {} }],
  },
} as const;
const podText = JSON.stringify(pod);
const fields = [
  'metadata',
  'spec',
  'containers',
  'name',
  '"a":',
  'null',
  '1e999',
  '-0',
  '"__proto__":{"a":1}',
  '\\ud800',
];
const jsonWords = [...fields, '{', '}', '[', ']', '"', ':', ',', '[[[[[[[[[[', '{"a":', 'true', '99999999999999999999'];

const live = (): KubernetesObject => JSON.parse(podText) as KubernetesObject;
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (input: Buffer): string => input.toString('utf8');

/** Parsers whose every Error the server turns into a 400. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function seedSpdy(): Buffer {
  const codec = createSpdyCodec();
  return Buffer.concat([
    codec.encode({ type: 'syn-stream', streamId: 1, fin: false, headers: { streamtype: 'stdin', a: ['1', '2'] } }),
    codec.encode({ type: 'syn-reply', streamId: 1, fin: false, headers: {} }),
    codec.encode({ type: 'data', streamId: 1, fin: true, data: Buffer.from('hello') }),
    codec.encode({ type: 'ping', id: 3 }),
    codec.encode({ type: 'rst-stream', streamId: 1, status: 5 }),
    codec.encode({ type: 'goaway', lastStreamId: 1, status: 0 }),
  ]);
}

const dnsSeeds = [
  '123401000001000000000000076578616d706c6503636f6d0000010001',
  'abcd01200001000000000001036177730561'.concat('6d617a03636f6d00001c000100002904d0000000000000'),
  '000001000001000000000001c00c00010001c00c000100010000003c000401020304',
];

function body(kind: GroupVersionKind, value: unknown): void {
  const { object } = decodeValue(kind, value, { fieldValidation: 'Warn' });
  object.metadata ??= {};
  validateCreate(kind, object, facts);
}

/** A patch's own text, applied to a live pod, and the outcome decoded as the server does. */
const patched = (apply: (patch: unknown) => unknown) => (input: Buffer) => {
  const outcome = apply(parseJson(text(input), 'Pod'));
  body(podKind, outcome);
};

export const targets: readonly Target[] = [
  {
    name: 'json',
    seeds: [
      podText,
      '{"metadata":{"managedFields":[{"fieldsV1":{"f:a":{}}}],"creationTimestamp":"2026-01-01T00:00:00Z"}}',
    ],
    words: jsonWords,
    run(input) {
      const { object } = decodeJson(podKind, input, { fieldValidation: 'Strict' });
      object.metadata ??= {};
      validateCreate(podKind, object, facts);
    },
    allows: told,
  },
  {
    name: 'yaml',
    seeds: [
      'apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels: {a: b, c: "d"}\nspec:\n  containers:\n  - name: x\n    args: [a, b]\n',
      'a: &x [1, 2]\nb: *x\nc: |\n  text\n   more\nd: >-\n  folded\n',
    ],
    words: [
      '&a ',
      '*a',
      '- ',
      ': ',
      '<<: *a',
      '!!binary ',
      '? ',
      '|\n',
      '\n  ',
      '%YAML 1.1\n---\n',
      '[',
      '{',
      '"',
      '\t',
    ],
    run(input) {
      const read = attempt(() => readYaml(text(input)));
      if (read) body(podKind, read.value);
    },
    allows: told,
  },
  {
    name: 'protobuf',
    seeds: [
      encodeProtobuf(podKind, pod),
      encodeProtobuf(deploymentKind, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'd', creationTimestamp: '2026-01-01T00:00:00Z' },
        spec: { replicas: 3, selector: { matchLabels: { a: 'b' } }, template: { metadata: {}, spec: pod.spec } },
      }),
    ],
    words: ['k8s\0', '\x0a', '\x12', '\xff\xff\xff\xff\x0f', '\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01', '\x1a\x00'],
    run(input) {
      const value = attempt(() => decodeProtobuf(input)) as { apiVersion?: string; kind?: string } | undefined;
      if (value) body(parseKind(value.apiVersion ?? '', value.kind ?? ''), value);
    },
    allows: told,
  },
  {
    name: 'patch-json',
    seeds: [
      '[{"op":"add","path":"/metadata/labels/b","value":"c"},{"op":"remove","path":"/spec/volumes/0"}]',
      '[{"op":"test","path":"/kind","value":"Pod"},{"op":"move","from":"/spec/containers/0","path":"/spec/containers/-"}]',
      '[{"op":"copy","from":"","path":"/metadata/x"},{"op":"replace","path":"/metadata/annotations/a~1b~0","value":null}]',
    ],
    words: [...jsonWords, '"op":"copy"', '"from":"/spec"', '"path":"/__proto__/x"', '/-', '~1', '-1'],
    run: patched((patch) => applyJsonPatch(live(), patch)),
    allows: told,
  },
  {
    name: 'patch-merge',
    seeds: ['{"metadata":{"labels":{"a":null}},"spec":{"containers":[{"name":"x"}]}}', '[]', 'null'],
    words: jsonWords,
    run: patched((patch) => applyMergePatch(live(), patch)),
    allows: told,
  },
  {
    name: 'patch-strategic',
    seeds: [
      '{"spec":{"containers":[{"name":"c","env":[{"name":"B"}]},{"$patch":"delete","name":"x"}],"$setElementOrder/containers":[{"name":"c"}]}}',
      '{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]},"spec":{"$retainKeys":["volumes"],"volumes":[{"$patch":"replace"}]}}',
    ],
    words: [
      ...jsonWords,
      '"$patch":"delete"',
      '"$patch":"replace"',
      '"$retainKeys":',
      '"$setElementOrder/ports":',
      '"mergeKey"',
    ],
    // The registry refuses what is no object before it comes here.
    run: patched((patch) =>
      isObject(patch) ? applyStrategicPatch(podKind, live(), patch) : applyMergePatch(live(), patch),
    ),
    // Orders that contradict each other are upstream's 500.
    allows: (error) => error instanceof ApiError,
  },
  {
    name: 'patch-apply',
    seeds: [
      podText,
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"j"}]}}',
    ],
    words: jsonWords,
    // The handler refuses what says no kind.
    run: patched((patch) =>
      !isObject(patch)
        ? live()
        : applyConfiguration(podKind, live(), patch as KubernetesObject, {
            manager: 'fuzz',
            now: new Date(0),
            force: true,
          }),
    ),
    allows: (error) => error instanceof ApiError,
  },
  {
    name: 'selectors',
    seeds: ['a=b,c!=d,e in (f,g),h notin (i),j,!k', 'metadata.name=a,status.phase!=Running', 'x>1,y<2', 'a\\,b=c\\=d'],
    words: [' in (', ' notin (', ',', '=', '==', '!=', '!', ')', '\\', 'a'.repeat(70)],
    run(input) {
      const errors: unknown[] = [];
      for (const parse of [(s: string) => matchesLabels(parseLabelSelector(s), { a: 'b' }), parseFieldSelector]) {
        try {
          parse(text(input));
        } catch (error) {
          errors.push(error);
        }
      }
      for (const error of errors) if (!told(error)) throw error;
    },
    allows: told,
  },
  {
    name: 'quantity',
    seeds: ['100m', '1.5Gi', '1e3', '-0.5', '12345678901234567890E', '.5u'],
    words: ['e999999999', 'E', 'Ki', 'n', '-', '+', '.', '0'.repeat(100), '9'.repeat(100)],
    run: (input) => void canonicalQuantity(text(input)),
    allows: (error) => error instanceof QuantityError,
  },
  {
    name: 'cel',
    seeds: [
      'object.spec.replicas > 1 && object.metadata.name.startsWith("a")',
      'self.list.all(x, x.matches("^[a-z]+$")) ? size(self.map) : 1 + 2 * 3',
      'has(object.a) || object.items.exists(i, i in [1, 2, 3]) && "a" + "b" == \'ab\'',
      '[1, 2].map(x, x * x).filter(y, y > 1).size() == 1',
    ],
    words: [
      '.map(x, ',
      '.all(y, ',
      '[1,2,3]',
      '("',
      '")',
      '(((((((',
      '"(a+)+$"',
      '.matches(',
      '{}',
      '? :',
      'duration("1h")',
      '9223372036854775807',
    ],
    run(input) {
      const expression = compileExpression(text(input), ['object', 'self']);
      expression({ object: pod, self: { list: ['a', 'b'.repeat(50)], map: { a: 1 } } });
    },
  },
  {
    name: 'spdy',
    seeds: [seedSpdy()],
    words: ['\x80\x03\x00\x01', '\x00\x00\x00\x01', '\x00\xff\xff\xff', '\x80\x03\x00\x07'],
    run(input) {
      const codec = createSpdyCodec();
      const middle = input.length >> 1;
      codec.feed(input.subarray(0, middle));
      codec.feed(input.subarray(middle));
    },
  },
  {
    name: 'dns',
    seeds: dnsSeeds.map((hex) => Buffer.from(hex, 'hex')),
    words: ['\xc0\x0c', '\xff\xff', '\x3f', '\x00\x29'],
    run(input) {
      const query = readQuery(input);
      if (query === undefined || query === 'FORMERR') return;
      writeReply(query, emptyReply(0), sizeLimit(query, 'udp'));
    },
    allows: () => false,
  },
  {
    name: 'request-line',
    seeds: [
      '/api/v1/namespaces/default/pods/a/log?follow=1',
      '/apis/apps/v1/watch/deployments?fieldSelector=metadata.name=a',
      '/%2e%2e/%ff',
    ],
    words: ['/', '//', '%', '%00', '?watch=1', '&fieldSelector=', '..', 'namespaces/'],
    run(input) {
      const [path = '', query] = text(input).split('?');
      for (const method of ['GET', 'DELETE', 'X']) parseRequestInfo(method, path, new URLSearchParams(query ?? ''));
    },
    allows: () => false,
  },
  {
    name: 'accept',
    seeds: [
      'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
      'application/vnd.kubernetes.protobuf, */*;q=0.1',
    ],
    words: [';', ',', 'q=', '*/*', 'as=Table', '"'],
    run: (input) => void negotiate(text(input), endpoints.object),
    allows: told,
  },
  {
    name: 'remote-command',
    seeds: [Buffer.from([0, 1, 2]), Buffer.from([255, 0]), '0aGVsbG8='],
    words: ['\xff', '\x00', '=', '4'],
    run(input) {
      for (const name of ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'base64.channel.k8s.io']) {
        const protocol = chooseProtocol([name]);
        if (protocol) decodeMessage(protocol, input);
      }
    },
    allows: () => false,
  },
  ...furtherTargets,
];
