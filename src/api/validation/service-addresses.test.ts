import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceSpec } from '../gen/core-v1.ts';
import { Problems } from './problems.ts';
import { validateAddressUpdate } from './service-addresses.ts';

const single: ServiceSpec = { clusterIPs: ['10.0.0.1'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' };
const dual: ServiceSpec = {
  clusterIPs: ['10.0.0.1', 'fd00::1'],
  ipFamilies: ['IPv4', 'IPv6'],
  ipFamilyPolicy: 'PreferDualStack',
};

for (const [what, spec, old, wrong] of [
  ['a second address may come', dual, single, []],
  ['the second one may go when that is said', single, dual, []],
  [
    'and not when it is not',
    { ...single, ipFamilyPolicy: 'PreferDualStack' },
    dual,
    ['spec.ipFamilyPolicy', 'spec.ipFamilyPolicy'],
  ],
  ['the first one stays', { ...single, clusterIPs: ['10.0.0.2'] }, single, ['spec.clusterIPs[0]']],
  ['and is not let go', { ...single, clusterIPs: [] }, single, ['spec.clusterIPs[0]']],
  [
    'families stay in their order',
    { ...dual, ipFamilies: ['IPv6', 'IPv4'] },
    dual,
    ['spec.ipFamilies[0]', 'spec.ipFamilies[0]'],
  ],
  [
    'without an address of its own, families may change',
    { ...dual, clusterIPs: ['None'] },
    { ...single, clusterIPs: ['None'] },
    [],
  ],
  ['a name for something outside has none', { type: 'ExternalName' }, single, []],
] as [string, ServiceSpec, ServiceSpec, string[]][]) {
  test(what, () => {
    const p = new Problems();
    validateAddressUpdate(p, spec, old);
    assert.deepEqual(
      p.causes.map(({ field }) => field),
      wrong,
    );
  });
}
