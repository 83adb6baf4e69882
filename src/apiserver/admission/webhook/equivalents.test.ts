import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdmissionAttributes, Draft, Registry, ResourceDefinition } from '../../registry/types.ts';
import { asAsked, asEquivalent, completed, type Equivalent, equivalentsOf } from './equivalents.ts';
import { ruleMatch, type Webhook } from './match.ts';

const definition = (group: string, resource: string, ...versions: string[]): ResourceDefinition =>
  ({
    group,
    resource,
    versions: versions.map((version) => ({ version, served: version !== 'v0' })),
    convert: (object: Draft, to: { group: string; version: string }) => ({
      ...object,
      apiVersion: `${to.group}/${to.version}`,
    }),
  }) as unknown as ResourceDefinition;

const registry = {
  definitions: () => [
    definition('g', 'things', 'v0', 'v1', 'v2'),
    definition('', 'events', 'v1'),
    definition('events.k8s.io', 'events', 'v1'),
  ],
} as unknown as Registry;

const asked = (group: string, version: string, resource: string): AdmissionAttributes =>
  ({
    operation: 'CREATE',
    group,
    version,
    resource,
    kind: { group, version, kind: 'Thing' },
    namespace: 'ns',
    object: { apiVersion: `${group}/${version}`, kind: 'Thing', metadata: { name: 'a' } },
  }) as unknown as AdmissionAttributes;

const names = (list: readonly Equivalent[]): string[] => list.map(({ group, version }) => `${group}/${version}`);

test('a resource is known by its other served versions, an event in its other group', () => {
  assert.deepStrictEqual(names(equivalentsOf(registry, asked('g', 'v1', 'things'))), ['g/v2']);
  assert.deepStrictEqual(names(equivalentsOf(registry, asked('', 'v1', 'events'))), ['events.k8s.io/v1']);
});

test('rules for another version match unless the webhook wants them exact', async () => {
  const a = asked('g', 'v2', 'things');
  const others = () => equivalentsOf(registry, a);
  const hook = (version: string, matchPolicy: string): Webhook =>
    ({
      matchPolicy,
      rules: [{ apiGroups: ['g'], apiVersions: [version], resources: ['things'], operations: ['*'] }],
    }) as Webhook;
  assert.equal(ruleMatch(hook('v2', 'Exact'), a, others), 'own');
  assert.equal(ruleMatch(hook('v1', 'Exact'), a, others), undefined);
  assert.equal(ruleMatch(hook('v3', 'Equivalent'), a, others), undefined);
  const match = ruleMatch(hook('v1', 'Equivalent'), a, others);
  assert.ok(match && match !== 'own');
  const seen = await asEquivalent(a, match);
  assert.deepStrictEqual([seen.version, seen.kind.version, seen.object?.apiVersion], ['v1', 'v1', 'g/v1']);
  assert.equal((await asAsked(a, match, seen.object as Draft)).apiVersion, 'g/v2');
  assert.equal(a.object?.apiVersion, 'g/v2');
});

test('what a webhook has made is an object of its kind again, or fails', () => {
  const schema = { decode: (object: Draft) => object, applyDefaults() {} };
  const known = { lookup: () => ({ definition: { kind: 'Thing' }, version: { schema } }) } as unknown as Registry;
  const a = { group: 'g', version: 'v1', resource: 'things', kind: { group: 'g', version: 'v1', kind: 'Thing' } };
  const made = (object: object) => completed(known, a as AdmissionAttributes, object as Draft);
  const type = { apiVersion: 'g/v1', kind: 'Thing' };
  assert.deepStrictEqual(made(type), { ...type, metadata: {} });
  assert.throws(() => made({ ...type, kind: 'Other' }), {
    message: 'Internal error occurred: converting (v1.Other) to (g.Thing): unknown conversion',
  });
});
