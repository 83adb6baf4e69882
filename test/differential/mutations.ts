import { readFileSync } from 'node:fs';
import type { KubernetesObject, Resource } from '../../src/api/object.ts';

interface Fact {
  type?: string;
  format?: string;
  ref?: string;
  items?: Fact;
  additionalProperties?: Fact;
  properties?: Record<string, Fact>;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}

const types = (
  JSON.parse(readFileSync(new URL('../../src/api/facts/openapi-types.json', import.meta.url), 'utf8')) as {
    types: Record<string, Fact>;
  }
).types;

export interface Mutation {
  what: string;
  object: unknown;
}

type Path = (string | number)[];

function factOf(resource: Resource<KubernetesObject>): Fact {
  for (const fact of Object.values(types)) {
    const gvk = fact['x-kubernetes-group-version-kind'];
    if (gvk?.some((g) => g.group === resource.group && g.version === resource.version && g.kind === resource.kind))
      return fact;
  }
  throw new Error(`no type for ${resource.kind}`);
}

function setAt(root: unknown, path: Path, value: unknown): unknown {
  const copy = structuredClone(root) as Record<string | number, unknown>;
  let at = copy;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

/** Values that are wrong, or at the edge, for a field of this type. */
function wrongValues(fact: Fact): [string, unknown][] {
  if (fact.type === 'integer' || fact.type === 'number') {
    return [
      ['a string', 'x'],
      ['negative', -1],
      ['zero', 0],
      ['a fraction', 1.5],
      ['too large', 5_000_000_000],
    ];
  }
  if (fact.type === 'boolean') return [['a string', 'true']];
  if (fact.type === 'array') {
    return [
      ['an object', {}],
      ['empty', []],
    ];
  }
  if (fact.type === 'object') {
    return [
      ['a string', 'x'],
      ['empty', {}],
    ];
  }
  if (fact.format === 'date-time') return [['no time', 'yesterday']];
  return [
    ['empty', ''],
    ['a number', 7],
    ['Odd characters', 'Bad Value_!'],
    ['long', 'a'.repeat(300)],
  ];
}

/**
 * One mutation at a time of every field that the sample sets (two levels of metadata left alone): removed, null, wrong
 * values, an unknown neighbour; and every unset field of the objects on the way given an edge value of its type.
 */
export function mutationsOf(resource: Resource<KubernetesObject>, sample: unknown): Mutation[] {
  const found: Mutation[] = [];
  const add = (what: string, path: Path, value: unknown): void => {
    found.push({ what: `${path.join('.')} ${what}`, object: setAt(sample, path, value) });
  };
  const walk = (fact: Fact, value: unknown, path: Path): void => {
    const type = fact.ref ? (types[fact.ref] ?? {}) : fact;
    if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) visit(type.items ?? {}, item, [...path, i]);
      if (value.length > 0) add('twice', path, [...value, value[0]]);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    if (path.length > 0) add('with an unknown field', [...path, 'bogus'], 1);
    for (const [key, item] of Object.entries(value)) {
      const property = type.properties?.[key] ?? type.additionalProperties ?? {};
      if (key === 'apiVersion' || key === 'kind' || (key === 'metadata' && path.length === 0)) continue;
      visit(property, item, [...path, key]);
    }
    for (const [key, property] of Object.entries(type.properties ?? {})) {
      if (key in value || key === 'metadata' || key === 'status' || key === 'apiVersion' || key === 'kind') continue;
      const target = property.ref ? (types[property.ref] ?? {}) : property;
      for (const [what, wrong] of wrongValues(target)) add(`set: ${what}`, [...path, key], wrong);
    }
  };
  const visit = (fact: Fact, value: unknown, path: Path): void => {
    add('missing', path, undefined);
    add('null', path, null);
    const type = fact.ref ? (types[fact.ref] ?? {}) : fact;
    for (const [what, wrong] of wrongValues(type)) add(what, path, wrong);
    walk(fact, value, path);
  };
  walk(factOf(resource), sample, []);
  for (const [what, metadata] of metadataWrongs) {
    const own = (sample as KubernetesObject).metadata;
    found.push({ what: `metadata ${what}`, object: { ...(sample as object), metadata: { ...own, ...metadata } } });
  }
  return found;
}

const metadataWrongs: [string, Record<string, unknown>][] = [
  ['name with capitals', { name: 'Bad' }],
  ['name with dots', { name: 'a.b' }],
  ['name long', { name: 'a'.repeat(254) }],
  ['name with slash', { name: 'a/b' }],
  ['name empty, generateName', { name: '', generateName: 'Bad_' }],
  ['label key', { labels: { 'a/b/c': 'x' } }],
  ['label value', { labels: { a: 'b c' } }],
  ['label value long', { labels: { a: 'x'.repeat(64) } }],
  ['annotation key', { annotations: { 'a b': 'x' } }],
  ['finalizer', { finalizers: ['bad value'] }],
  ['finalizer unqualified', { finalizers: ['plain'] }],
  ['owner without uid', { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x' }] }],
  [
    'two controllers',
    {
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'u', controller: true },
        { apiVersion: 'v1', kind: 'Pod', name: 'y', uid: 'v', controller: true },
      ],
    },
  ],
  ['labels a list', { labels: [] }],
  ['unknown field', { bogus: 1 }],
];
