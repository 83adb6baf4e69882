import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdmissionChain } from './chain.ts';
import type { AdmissionPlugin } from './plugin.ts';
import { beginRound } from './rounds.ts';
import { attributes } from './testing.ts';

interface Hook {
  readonly name: string;
  readonly wantsMore?: boolean;
  /** What it adds to the label `told`; nothing: it only looks. */
  readonly adds?: string;
}

/** A plug-in with hooks that each append to one label, once. */
const hooked = (name: string, hooks: readonly Hook[], log: string[]): AdmissionPlugin => ({
  name,
  operations: ['CREATE'],
  async mutate(a) {
    const round = beginRound(name, a);
    for (const hook of hooks) {
      if (!round.asks(hook.name)) continue;
      const { metadata } = a.object as { metadata: { labels?: Record<string, string> } };
      const told = metadata.labels?.told ?? '';
      log.push(`${hook.name} sees "${told}"`);
      const changed = hook.adds !== undefined && !told.includes(hook.adds);
      if (changed) metadata.labels = { told: told + hook.adds };
      round.asked(hook.name, { changed, wantsMore: hook.wantsMore ?? false });
    }
    round.end();
    return true;
  },
});

const builtIn = (log: string[]): AdmissionPlugin => ({
  name: 'built-in',
  operations: ['CREATE'],
  mutate(a) {
    log.push(`built-in sees "${a.object?.metadata.labels?.told ?? ''}"`);
    return false;
  },
});

const run = async (plugins: AdmissionPlugin[]): Promise<void> => {
  await createAdmissionChain(plugins).mutate(attributes({ on: '/configmaps', object: { metadata: { name: 'a' } } }));
};

test('what a hook adds is looked at by the built-in plug-ins, and by the hooks before it that wanted to', async () => {
  const log: string[] = [];
  const hooks = [{ name: 'first', wantsMore: true }, { name: 'second' }, { name: 'third', adds: 'x', wantsMore: true }];
  await run([builtIn(log), hooked('hooks', hooks, log)]);
  assert.deepStrictEqual(log, [
    'built-in sees ""',
    'first sees ""',
    'second sees ""',
    'third sees ""',
    'built-in sees "x"',
    'first sees "x"',
  ]);
});

test('where nothing is altered there is one round', async () => {
  const log: string[] = [];
  await run([builtIn(log), hooked('hooks', [{ name: 'first', wantsMore: true }], log)]);
  assert.deepStrictEqual(log, ['built-in sees ""', 'first sees ""']);
});

test('hooks of one plug-in see what those of another have made', async () => {
  const log: string[] = [];
  const early = hooked('early', [{ name: 'policy', adds: 'p', wantsMore: true }], log);
  await run([early, hooked('late', [{ name: 'hook', adds: 'h' }], log)]);
  assert.deepStrictEqual(log, ['policy sees ""', 'hook sees "p"', 'policy sees "ph"']);
});
