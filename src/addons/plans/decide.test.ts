import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindOf, optionsOf, sourceOf } from './decide.ts';
import { millisecondsOf, podsToEvict } from './drain.ts';
import type { Plan, PlanWindow } from './plan.ts';
import { planProblem } from './plan-problem.ts';
import { windowContains, windowProblem } from './window.ts';

const plan = (spec: Plan['spec']): Plan => ({ metadata: { name: 'p' }, ...(spec === undefined ? {} : { spec }) });

test('the images that the daemon stands for', () => {
  const kind = (image: string) => kindOf(plan({ upgrade: { image } }));
  assert.deepStrictEqual(
    ['knarr/upgrade', 'registry.example.com:5000/knarr/upgrade:1.2', 'knarr/upgrade-daemon', 'rancher/k3s-upgrade'].map(
      kind,
    ),
    ['os', 'os', 'daemon', undefined],
  );
});

test('where a node upgrades from', () => {
  assert.equal(sourceOf({ image: 'knarr/upgrade', args: ['http://u/$(LATEST_VERSION)/'] }, '2.0'), 'http://u/2.0/');
  assert.equal(sourceOf({ image: 'r.example.com/knarr/upgrade' }, '2.0'), 'oci://r.example.com/knarr/upgrade:2.0');
  assert.equal(sourceOf({ image: 'r.example.com/knarr/upgrade:x' }, '2.0'), 'oci://r.example.com/knarr/upgrade:x');
});

test('what makes a plan none', () => {
  const upgrade = { image: 'knarr/upgrade', args: ['x'] };
  const problem = (spec: Plan['spec']) => planProblem(plan({ version: '1', upgrade, ...spec }));
  assert.equal(problem({}), undefined);
  assert.match(problem({ version: '' }) ?? '', /version or spec.channel/);
  assert.match(problem({ drain: { deleteLocalData: true, deleteEmptydirData: true } }) ?? '', /cannot specify both/);
  assert.match(problem({ window: { days: ['caturday'] } }) ?? '', /no day/);
  assert.match(problem({ postCompleteDelay: '-1s' }) ?? '', /negative/);
  const more = (...args: string[]) => problem({ upgrade: { ...upgrade, args: ['x', ...args] } });
  assert.equal(more('--tries', '2', '--deadline=1h30m'), undefined);
  assert.equal(more('--tries 2 --deadline 20m'), undefined);
  for (const bad of [
    ['--force'],
    ['--tries', '0'],
    ['--deadline', 'x'],
    ['--deadline', '5'],
    ['--deadline=3h'],
    ['--tries=2', 'y'],
  ])
    assert.match(more(...bad) ?? '', /may say --tries N \(1 to 9\) and --deadline DURATION \(10s to 110m\)/);
  const told: [Plan['spec'], RegExp][] = [
    [
      { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'Is', values: ['b'] }] } },
      /spec\.nodeSelector is invalid: "Is"/,
    ],
    [
      { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      /spec\.nodeSelector is invalid: In of a needs values/,
    ],
    [
      { drain: { podSelector: { matchExpressions: [{ key: '', operator: 'Exists' }] } } },
      /spec\.drain\.podSelector is invalid: key ""/,
    ],
    [{ drain: { timeout: '5x' } }, /spec\.drain\.timeout is invalid: time: unknown unit "x"/],
    [{ postCompleteDelay: 'soon' }, /spec\.postCompleteDelay is invalid: time: invalid duration "soon"/],
    [{ customNodeLabels: { a: 'b c' } }, /spec\.customNodeLabels is invalid: a=b c: /],
    [{ upgrade: { ...upgrade, args: ['--force'] } }, /spec\.upgrade\.args must name the update/],
  ];
  for (const [spec, message] of told) assert.match(problem(spec) ?? '', message);
  assert.equal(problem({ drain: { timeout: '90s' }, customNodeLabels: { v: '$(LATEST_VERSION)' } }), undefined);
  assert.match(
    planProblem({ metadata: { name: 'x'.repeat(64) }, spec: { version: '1', upgrade } }) ?? '',
    /metadata\.name/,
  );
});

test('how the new version is tried is handed on word by word', () =>
  assert.deepStrictEqual(optionsOf({ image: '', args: ['x', '--tries 2', '--deadline=20m'] }), [
    '--tries',
    '2',
    '--deadline=20m',
  ]));

const night: PlanWindow = { days: ['saturday'], startTime: '22:00', endTime: '4am', timeZone: 'Europe/Berlin' };
const moments: readonly (readonly [string, PlanWindow, boolean])[] = [
  ['2026-11-21T21:30:00Z', night, true],
  ['2026-11-21T20:30:00Z', night, false],
  ['2026-11-22T02:30:00Z', night, true],
  ['2026-11-22T03:00:00Z', night, false],
  ['2026-11-21T02:30:00Z', night, false],
  ['2026-11-23T10:00:00Z', { days: ['mo', 'tu'], startTime: '9:00', endTime: '17:00' }, true],
  ['2026-11-25T10:00:00Z', { days: ['mo', 'tu'], startTime: '9:00', endTime: '17:00' }, false],
  ['2026-11-25T10:00:00Z', {}, true],
];
for (const [moment, window, inside] of moments)
  test(`${moment} is ${inside ? 'in' : 'outside'} ${JSON.stringify(window)}`, () => {
    assert.equal(windowProblem(window), undefined);
    assert.equal(windowContains(window, new Date(moment)), inside);
  });

test('a window that is none', () => {
  assert.match(windowProblem({ startTime: '25:00' }) ?? '', /no time of day/);
  assert.match(windowProblem({ timeZone: 'Mars/Olympus' }) ?? '', /unknown time zone/);
});

test('durations', () => {
  assert.deepStrictEqual(
    ['90s', '1h30m', 60_000_000_000, '500ms', undefined].map(millisecondsOf),
    [90_000, 5_400_000, 60_000, 500, 0],
  );
});

test('which pods must go', () => {
  const pod = (name: string, more: object = {}, kind?: string) => ({
    metadata: {
      name,
      namespace: 'n',
      ...(kind === undefined
        ? {}
        : { ownerReferences: [{ apiVersion: 'v1', kind, name: 'o', uid: 'u', controller: true }] }),
    },
    spec: { containers: [], ...more },
  });
  const all = [pod('bare'), pod('web', {}, 'ReplicaSet'), pod('log', {}, 'DaemonSet')];
  const local = pod('local', { volumes: [{ name: 'v', emptyDir: {} }] }, 'ReplicaSet');
  assert.deepStrictEqual(podsToEvict(all, {}).problems, [
    'n/bare has no controller that would start it elsewhere (drain.force)',
  ]);
  assert.deepStrictEqual(
    podsToEvict(all, { force: true }).evict.map(({ metadata }) => metadata.name),
    ['bare', 'web'],
  );
  assert.match(podsToEvict(all, { force: true, ignoreDaemonSets: false }).problems.join(), /DaemonSet/);
  assert.equal(podsToEvict([local], {}).evict.length, 1);
  assert.match(podsToEvict([local], { deleteEmptydirData: false }).problems.join(), /local data/);
  const going = pod('going', {}, 'ReplicaSet');
  const left = { ...going, metadata: { ...going.metadata, deletionTimestamp: '2026-11-22T10:00:00Z' } };
  const evictedAt = (time: string) =>
    podsToEvict([left], { skipWaitForDeleteTimeout: 60 }, Date.parse(time)).evict.length;
  assert.deepStrictEqual(['2026-11-22T10:00:59Z', '2026-11-22T10:01:01Z'].map(evictedAt), [1, 0]);
});
