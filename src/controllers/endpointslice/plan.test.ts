import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, EndpointSlice } from '../../api/gen/discovery-v1.ts';
import { type EndpointGroup, portsKey } from './desired.ts';
import { maxPerSlice, planSlices } from './plan.ts';

const endpoint = (i: number, ready = true): Endpoint => ({
  addresses: [`10.0.0.${i}`],
  conditions: { ready },
  targetRef: { kind: 'Pod', uid: `u${i}` },
});
const ports = [{ name: '', port: 80, protocol: 'TCP' }];
const group = (endpoints: Endpoint[]): EndpointGroup => ({
  key: portsKey('IPv4', ports),
  addressType: 'IPv4',
  ports,
  endpoints,
});
const slice = (name: string, endpoints: Endpoint[]): EndpointSlice => ({
  metadata: { name },
  addressType: 'IPv4',
  ports,
  endpoints,
});
const many = (from: number, count: number): Endpoint[] => Array.from({ length: count }, (_, i) => endpoint(from + i));

function told(groups: EndpointGroup[], slices: EndpointSlice[]): unknown {
  const plan = planSlices(groups, slices);
  return {
    create: plan.create.map((c) => c.endpoints.length),
    update: plan.update.map((u) => `${u.slice.metadata.name} ${u.endpoints.length}`),
    remove: plan.remove.map((s) => s.metadata.name),
    keep: plan.keep.map((s) => s.metadata.name),
  };
}
const nothing = { create: [], update: [], remove: [], keep: [] };

const cases: [string, EndpointGroup[], EndpointSlice[], object][] = [
  ['a service without endpoints keeps one empty slice', [group([])], [], { ...nothing, create: [0] }],
  ['what is right stays', [group(many(0, 3))], [slice('a', many(0, 3))], { ...nothing, keep: ['a'] }],
  [
    'a changed endpoint changes its slice',
    [group([endpoint(0, false)])],
    [slice('a', many(0, 1))],
    { ...nothing, update: ['a 1'] },
  ],
  ['new endpoints fill up a slice', [group(many(0, 5))], [slice('a', many(0, 3))], { ...nothing, update: ['a 5'] }],
  [
    'full slices are followed by new ones',
    [group(many(0, 150))],
    [slice('a', many(0, maxPerSlice))],
    { ...nothing, create: [50], keep: ['a'] },
  ],
  [
    'an emptied slice goes when another is left',
    [group(many(0, 2))],
    [slice('a', many(0, 2)), slice('b', many(5, 1))],
    { ...nothing, keep: ['a'], remove: ['b'] },
  ],
  ['other ports mean other slices', [], [slice('a', many(0, 1))], { ...nothing, remove: ['a'] }],
];
for (const [name, groups, slices, expected] of cases) {
  test(`Endpoint slices: ${name}`, () => assert.deepStrictEqual(told(groups, slices), expected));
}
