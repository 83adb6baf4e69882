import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJson, decodeValue } from './decode.ts';
import { parseKind } from './schema.ts';

const pod = parseKind('v1', 'Pod');
const refuses = (kind: [apiVersion: string, kind: string], body: unknown, message: string, strict = false): void => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const options = { fieldValidation: strict ? ('Strict' as const) : ('Warn' as const) };
  assert.throws(() => decodeJson(parseKind(...kind), text, options), { code: 400, message });
};

test('the canonical form: no unknown fields, no nulls, no zero values, literals normalised', () => {
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', creationTimestamp: null, deletionTimestamp: '2026-01-02T04:04:05+01:00', labels: {} },
    spec: {
      bogus: 1,
      nodeName: '',
      hostNetwork: false,
      automountServiceAccountToken: false,
      containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '0.5', memory: '1024Ki' } } }],
    },
  };
  assert.deepStrictEqual(decodeJson(pod, JSON.stringify(body)), {
    object: {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'a', deletionTimestamp: '2026-01-02T03:04:05Z' },
      spec: {
        automountServiceAccountToken: false,
        containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '500m', memory: '1Mi' } } }],
      },
      status: {},
    },
    warnings: ['unknown field "spec.bogus"'],
  });
});

test('unknown and duplicate fields are refused in the order of the text', () => {
  refuses(
    ['v1', 'Pod'],
    '{"metadata":{"name":"a","name":"b"},"spec":{"x":{"y":1,"y":2},"containers":[{"image":"a","image":"b","z":1,"z":2}]}}',
    'Pod in version "v1" cannot be handled as a Pod: strict decoding error: duplicate field "metadata.name", unknown field "spec.x", duplicate field "spec.containers[0].image", unknown field "spec.containers[0].z"',
    true,
  );
});

test('numbers with a point or an exponent are taken where they fit', () => {
  const text =
    '{"spec":{"overhead":{"cpu":1e0,"memory":1.50},"securityContext":{"supplementalGroups":[1,-0]},"containers":[{"name":"1.0","stdin":true,"tty":false}]},"x":1.0}';
  const { object, warnings } = decodeJson(pod, text);
  assert.deepEqual(warnings, ['unknown field "x"']);
  assert.equal((object as { spec?: { containers: { stdin?: boolean }[] } }).spec?.containers[0]?.stdin, true);
  assert.throws(() => decodeJson(pod, text.replace('[1,', '[1.0,'), { fieldValidation: 'Ignore' }), {
    message:
      /cannot unmarshal number 1.0 into Go struct field PodSecurityContext.spec.securityContext.supplementalGroups of type int64/,
  });
});

test('quotes and escapes in keys and values do not look like duplicates', () => {
  const data = { 'a"b': 'c":"', '\\': '\\"x\\":', e: '\\' };
  const text = JSON.stringify({ data }, null, 2);
  assert.deepStrictEqual(decodeJson(parseKind('v1', 'ConfigMap'), text, { fieldValidation: 'Strict' }).warnings, []);
});

test('what does not fit its type is named as upstream names it', () => {
  const handled = (kind: string, why: string): string =>
    `${kind} in version "v1" cannot be handled as a ${kind}: ${why}`;
  refuses(
    ['apps/v1', 'Deployment'],
    { spec: { replicas: 'x' } },
    handled(
      'Deployment',
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ),
  );
  const number = (given: string): string =>
    handled(
      'Deployment',
      `json: cannot unmarshal number ${given} into Go struct field DeploymentSpec.spec.replicas of type int32`,
    );
  for (const given of ['1.0', '1e3', '1E+3', '-0.0', '1.5', '2147483648', '123456789012345678901234567890', '1e400'])
    refuses(['apps/v1', 'Deployment'], `{"spec": {"replicas" : ${given}}}`, number(given));
  refuses(
    ['v1', 'Service'],
    '{"spec":{"ports":[{"targetPort":80.0}]}}',
    handled(
      'Service',
      'json: cannot unmarshal number 80.0 into Go struct field ServicePort.spec.ports.targetPort of type int32',
    ),
  );
  refuses(
    ['v1', 'Pod'],
    '{"spec":{"nodeName":1.0,"priority":1.0}}',
    handled('Pod', 'json: cannot unmarshal number into Go struct field PodSpec.spec.nodeName of type string'),
  );
  refuses(
    ['v1', 'Pod'],
    { spec: { volumes: [{ emptyDir: 'x' }] } },
    handled(
      'Pod',
      'json: cannot unmarshal string into Go struct field Volume.spec.volumes.VolumeSource.emptyDir of type v1.EmptyDirVolumeSource',
    ),
  );
  refuses(['v1', 'Pod'], [], handled('Pod', 'json: cannot unmarshal array into Go value of type v1.Pod'));
  refuses(
    ['v1', 'Pod'],
    { spec: { containers: [{ resources: { limits: { cpu: 'x' } } }] } },
    handled('Pod', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
  );
});

test('integers past 2^53 are kept as far as an int64 goes', () => {
  const slice = (number: string): string =>
    `{"spec":{"devices":[{"attributes":{"a":{"int":${number}}},"name":"d"}],"driver":"x"}}`;
  const gvk = { group: 'resource.k8s.io', version: 'v1', kind: 'ResourceSlice' };
  for (const number of ['9007199254740993', '9223372036854775807', '-9223372036854775808'])
    assert.ok(JSON.stringify(decodeJson(gvk, slice(number)).object).includes(`"int":${number}}`));
  assert.throws(
    () => decodeJson(gvk, slice('9223372036854775808')),
    /cannot unmarshal number 9223372036854775808 into/,
  );
});

test("what a strategic merge has made is refused in the words of Go's converter", () => {
  const deployment = { group: 'apps', version: 'v1', kind: 'Deployment' };
  const why = (spec: object): string => {
    try {
      decodeValue(deployment, { spec }, { merged: true });
    } catch (error) {
      return (error as Error).message.replace('Deployment in version "v1" cannot be handled as a Deployment: ', '');
    }
    return '';
  };
  const pod = (spec: object): object => ({ template: { spec } });
  assert.deepStrictEqual(
    [
      why({ replicas: 'x' }),
      why({ replicas: 1.5 }),
      why({ paused: 5 }),
      why({ selector: [] }),
      why({ selector: { matchLabels: 5 } }),
      why({ selector: { matchLabels: { a: 5 } } }),
      why(pod({ containers: {} })),
      why(pod({ containers: [{ imagePullPolicy: 5 }] })),
      why(pod({ containers: [{ imagePullPolicy: true }] })),
      why({ strategy: { rollingUpdate: { maxSurge: true } } }),
    ],
    [
      'unrecognized type: int32',
      'cannot convert float64 to int32',
      'unrecognized type: bool',
      'cannot restore struct from: slice',
      'cannot restore map from int64',
      'cannot convert int64 to string',
      'cannot restore slice from map',
      'cannot convert int64 to v1.PullPolicy',
      'unrecognized type: string',
      'json: cannot unmarshal bool into Go value of type int32',
    ],
  );
});
