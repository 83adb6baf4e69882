import type { Step } from './steps.ts';
import { changedKinds } from './validation-changes.ts';
import { clusterKinds } from './validation-cluster.ts';
import { type Kind, namespace, schema } from './validation-kind.ts';
import { workloadKinds } from './validation-workloads.ts';

/** Wrong objects and wrong changes that no mutation of a sample reaches: what upstream checks deep in its kinds. */

const merge = 'application/merge-patch+json';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As a merge patch does it. */
function merged(base: Json, over: Json): Json {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete result[key];
    else result[key] = isObject(value) && isObject(result[key]) ? merged(result[key], value) : value;
  }
  return result;
}

function stepsOf(name: string, { path, right, wrong = {}, changes = [] }: Kind): Step[] {
  const id = (what: string): string => `validation of ${name}: ${what}`;
  const dry = '?dryRun=All&fieldManager=diff';
  const tried = Object.entries(wrong).map(
    ([what, over]): Step => ({
      id: id(what),
      method: 'POST',
      path: path + dry,
      body: merged(right as Json, over as Json),
    }),
  );
  if (changes.length === 0) return tried;
  const one = `${path}/diff-v`;
  return [
    ...tried,
    { id: id('create'), method: 'POST', path: `${path}?fieldManager=diff`, body: right },
    ...changes.map(
      ([what, subresource, body]): Step => ({
        id: id(`change of ${what}${subresource ? ` by ${subresource}` : ''}`),
        method: 'PATCH',
        path: `${one}${subresource ? `/${subresource}` : ''}${dry}`,
        contentType: merge,
        body,
      }),
    ),
    { id: id('delete'), method: 'DELETE', path: `${one}?gracePeriodSeconds=0&propagationPolicy=Background` },
  ];
}

const group = 'validation.example.com';
const rules = (...texts: string[]): object => ({ 'x-kubernetes-validations': texts.map((text) => ({ rule: text })) });
const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true };
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `holders.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'holders', kind: 'Holder' },
    ...(
      schema({
        type: 'object',
        ...rules('true'),
        properties: {
          one: { ...embedded, 'x-kubernetes-preserve-unknown-fields': true },
          list: { type: 'array', items: { ...embedded, properties: { metadata: { type: 'object' } } } },
          map: { type: 'object', additionalProperties: { ...embedded, properties: { n: { type: 'integer' } } } },
          n: { type: 'integer', ...rules('self < 10', 'self != 5') },
          words: { type: 'array', items: { type: 'string', maxLength: 5 } },
          texts: { type: 'object', additionalProperties: { type: 'string' } },
        },
      }) as { spec: object }
    ).spec,
  },
};
const pod = (metadata: unknown): object => ({ apiVersion: 'v1', kind: 'Pod', metadata });

const held: Readonly<Record<string, object>> = {
  'an unknown field of metadata': {
    one: pod({ x: 1, labels: { a: 'b' } }),
    list: [pod({ y: 1 })],
    map: { k: pod({ z: 1 }) },
  },
  'no metadata': { one: pod(null), list: [pod(null)] },
  'a list as metadata': { one: pod([1]) },
  'a number as a name': { list: [pod({ name: 5 })] },
  'a bad name': { map: { k: pod({ name: 'a/b' }) } },
  'a bad namespace': { one: pod({ namespace: 'Not_One' }) },
  'bad labels': { one: pod({ labels: { '-a': '-' } }) },
  'an owner without a name': { one: pod({ ownerReferences: [{ kind: 'A' }] }) },
  'a bad time': { one: pod({ creationTimestamp: 'never' }) },
  'no version': { one: {} },
  'a number as a kind': { one: { apiVersion: 'v1', kind: 5 } },
  'nulls where none may be': { one: null, list: null, n: null, words: null, texts: { a: null, b: 'c' } },
  'a rule that does not hold': { n: 12 },
  'rules after what is wrong otherwise': { n: 5, words: ['a', 'toolong'] },
};

function holders(): Step[] {
  const path = `/apis/${group}/v1/namespaces/${namespace}/holders`;
  const at = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions`;
  const one = `${at}/holders.${group}`;
  return [
    {
      id: 'validation of holders: define',
      method: 'POST',
      path: at,
      body: definition,
      until: { path: one, condition: 'Established' },
    },
    ...Object.entries(held).map(
      ([what, spec]): Step => ({
        id: `validation of holders: ${what}`,
        method: 'POST',
        path: `${path}?dryRun=All`,
        body: { apiVersion: `${group}/v1`, kind: 'Holder', metadata: { name: 'diff-v' }, spec },
      }),
    ),
    { id: 'validation of holders: undefine', method: 'DELETE', path: one },
  ];
}

export const validationSteps = (): Step[] => [
  ...Object.entries({ ...clusterKinds, ...workloadKinds, ...changedKinds }).flatMap(([name, kind]) =>
    stepsOf(name, kind),
  ),
  ...holders(),
];
