import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../base/eventually.ts';
import { silent } from '../base/log.ts';
import type { ShutdownWatch } from '../host/shutdown.ts';
import { byPeriod, createNodeShutdown, type ShutdownSettings, shutdownPeriods } from './node-shutdown.ts';
import type { Verdict } from './status/generate.ts';
import { testPod } from './testing.ts';

const critical = 2_000_000_000;

test('critical pods have the last part of the time', () => {
  assert.deepEqual(shutdownPeriods({ graceMs: 30_000, criticalMs: 10_000 }), [
    { priority: 0, seconds: 20 },
    { priority: critical, seconds: 10 },
  ]);
  assert.deepEqual(shutdownPeriods({}), []);
  assert.deepEqual(
    shutdownPeriods({
      byPriority: [
        { priority: 100, seconds: 1 },
        { priority: -5, seconds: 2 },
      ],
    }),
    [
      { priority: -5, seconds: 2 },
      { priority: 100, seconds: 1 },
    ],
  );
});

test('a pod ends with the highest period that is not above it', () => {
  const periods = [0, 1000, critical].map((priority) => ({ priority, seconds: 1 }));
  const item = (priority: number) => ({ pod: testPod({ priority }) });
  const groups = byPeriod(periods, [-7, 0, 999, 1000, critical + 1].map(item));
  assert.deepEqual(
    groups.map(({ pods }) => pods.map(({ pod }) => pod.spec.priority)),
    [[-7, 0, 999], [1000], [critical + 1]],
  );
});

/** A machine that is switched off by `go`. */
function machine(settings: ShutdownSettings, pods: { name: string; priority?: number; own?: number; ms: number }[]) {
  const happened: string[] = [];
  let listener: (down: boolean) => void = () => {};
  const watch: ShutdownWatch = {
    async hold() {
      happened.push('hold');
    },
    async release() {
      happened.push('release');
    },
    async onChange(tell) {
      listener = tell;
      return () => happened.push('forget');
    },
    async allow(ms) {
      happened.push(`allow ${ms}`);
    },
    close: () => happened.push('close'),
  };
  const verdicts: Verdict[] = [];
  const shutdown = createNodeShutdown({
    settings,
    watch,
    pods: () =>
      pods.map(({ name, priority = 0, own = 30, ms }) => ({
        pod: testPod({ priority, terminationGracePeriodSeconds: own }),
        async end(verdict: Verdict, grace: number) {
          verdicts.push(verdict);
          happened.push(`${name} has ${grace}`);
          await sleep(ms, undefined, { ref: false });
          happened.push(`${name} ended`);
        },
      })),
    event: (_type, reason, message) => happened.push(`${reason}: ${message}`),
    changed: () => happened.push('changed'),
    log: silent,
  });
  return { shutdown, happened, verdicts, go: (down: boolean) => listener(down) };
}

const until = (condition: () => boolean): Promise<void> => eventually('the condition', () => assert.ok(condition()));

test('pods end in two phases while the machine waits, and then it goes', async () => {
  const { shutdown, happened, verdicts, go } = machine({ graceMs: 3000, criticalMs: 1000 }, [
    { name: 'web', ms: 20 },
    { name: 'slow', own: 1, ms: 30 },
    { name: 'dns', priority: critical, ms: 10 },
  ]);
  await shutdown.start();
  assert.equal(shutdown.refusal(), undefined);
  go(true);
  await until(() => happened.includes('release'));
  assert.deepEqual(happened, [
    'allow 3000',
    'hold',
    'NodeShutdown: Shutdown manager detected shutdown event',
    'changed',
    'web has 2',
    'slow has 1',
    'web ended',
    'slow ended',
    'dns has 1',
    'dns ended',
    'release',
  ]);
  assert.deepEqual(verdicts[0], {
    phase: 'Failed',
    reason: 'Terminated',
    message: 'Pod was terminated in response to imminent node shutdown.',
    disruption: true,
  });
  assert.equal(shutdown.shuttingDown(), true);
  assert.equal(shutdown.refusal()?.reason, 'NodeShutdown');
  await shutdown.stop();
});

test('a pod that does not end in its time is not waited for', async () => {
  const { shutdown, happened, go } = machine({ graceMs: 1000, criticalMs: 0 }, [{ name: 'stuck', ms: 60_000 }]);
  await shutdown.start();
  go(true);
  await until(() => happened.includes('release'));
  assert.ok(!happened.includes('stuck ended'));
  await shutdown.stop();
});

test('a shutdown that is called off leaves a node that takes pods, with the lock held again', async () => {
  const { shutdown, happened, go } = machine({ graceMs: 1000 }, []);
  await shutdown.start();
  go(true);
  go(false);
  await until(() => happened.filter((word) => word === 'hold').length === 2);
  assert.equal(shutdown.shuttingDown(), false);
  assert.equal(happened.at(-3), 'NodeShutdown: Shutdown manager detected shutdown cancellation');
  await shutdown.stop();
  assert.deepEqual(happened.slice(-3), ['forget', 'release', 'close']);
});
