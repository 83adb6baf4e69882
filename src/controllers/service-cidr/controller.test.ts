import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceCIDR } from '../../api/gen/networking-v1.ts';
import { parseIp } from '../../base/cidr.ts';
import { mayGo } from './controller.ts';

const cidr = (...cidrs: string[]): ServiceCIDR => ({ metadata: {}, spec: { cidrs } });

const table: readonly [says: string, others: string[], inUse: string[], may: boolean][] = [
  ['nothing in use', [], [], true],
  ['an address in use', [], ['10.0.0.5'], false],
  ['an address in use elsewhere', [], ['10.9.0.5'], true],
  ['all of it is part of another', ['10.0.0.0/8'], ['10.0.0.5'], true],
  ['what is in use is part of another', ['10.0.0.0/29'], ['10.0.0.5'], true],
  ['one of two in use is not', ['10.0.0.0/29'], ['10.0.0.5', '10.0.0.77'], false],
  ['another family does not help', ['fd00::/8'], ['10.0.0.5'], false],
];
for (const [says, others, inUse, may] of table)
  test(`a network of services with ${says} may ${may ? '' : 'not '}go`, () => {
    const used = inUse.flatMap((text) => parseIp(text) ?? []);
    assert.equal(
      mayGo(
        cidr('10.0.0.0/24'),
        others.map((other) => cidr(other)),
        used,
      ),
      may,
    );
  });
