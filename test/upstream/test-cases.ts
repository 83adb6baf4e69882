import { describe, test } from 'node:test';
import { namespaces, serviceaccounts } from '../../src/api/gen/resources.ts';
import { eventually } from '../../src/base/eventually.ts';
import type { Client } from '../../src/client/client.ts';
import { cases } from './cases.ts';

/** Each case in a namespace of its own, all at once. */
export const testCases = (client: () => Client): Promise<void> =>
  describe('what a cluster does by itself', { concurrency: true }, () => {
    Object.entries(cases).forEach(([name, body], index) => {
      test(name, { timeout: 150_000 }, async (t) => {
        const namespace = `case-${index}`;
        await client().create(namespaces, { metadata: { name: namespace } });
        await eventually('its service account', () => client().get(serviceaccounts, 'default', { namespace }));
        await body({ client: client(), namespace, t });
      });
    });
  });
