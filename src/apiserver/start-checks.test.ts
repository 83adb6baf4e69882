import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from './handlers/call.ts';
import { createHealth } from './handlers/health.ts';
import { addStartChecks } from './start-checks.ts';

test('every step of the start has a check that passes when it is done', async () => {
  const health = createHealth();
  let missing: string[] = ['no namespace kube-system'];
  const started = addStartChecks(health, () => missing);
  const ask = async (name: string): Promise<string> => {
    const call = { info: { path: `/livez/${name}` }, query: new URLSearchParams() } as unknown as Call;
    const answer = await health.answer(call);
    return answer?.kind === 'bytes' ? String(answer.body) : 'none';
  };
  assert.equal(await ask('poststarthook/crd-informer-synced'), 'internal server error: not finished\n');
  assert.equal(await ask('poststarthook/rbac/bootstrap-roles'), 'internal server error: no namespace kube-system\n');
  started('customResources');
  missing = [];
  assert.equal(await ask('poststarthook/crd-informer-synced'), 'ok');
  assert.equal(await ask('poststarthook/rbac/bootstrap-roles'), 'ok');
  assert.equal(await ask('autoregister-completion'), 'internal server error: not finished\n');
});
