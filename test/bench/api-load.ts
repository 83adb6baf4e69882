import { setTimeout as sleep } from 'node:timers/promises';
import { configmaps } from '../../src/api/gen/resources.ts';
import { type ControlPlane, cpuSecondsOf, go, halt, withControlPlanes } from './control-plane.ts';
import { type BenchContext, type Figure, type Measurement, median } from './measure.ts';
import { startShippedServer } from './own-server.ts';
import { startPeer } from './peer.ts';
import { openTarget, type Target } from './target.ts';
import { runWatchers } from './watch-load.ts';
import { type LoadResult, wrk } from './wrk.ts';

const mergePatch = 'application/merge-patch+json';
const payload = 'x'.repeat(400);

const object = (name: string): string =>
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}","labels":{"bench":"load"}},"data":{"key":"${payload}"}}`;

/** A Lua string. */
const lua = (text: string): string => `[==[${text}]==]`;

const folder = (target: Target): string => `/api/v1/namespaces/${target.namespace}/configmaps`;

async function seed(target: Target, count: number): Promise<void> {
  for (let from = 0; from < count; from += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, count - from) }, (_, i) =>
        target.client.create(
          configmaps,
          { metadata: { name: `seed-${from + i}`, namespace: target.namespace }, data: { key: payload } },
          { namespace: target.namespace },
        ),
      ),
    );
}

/** Every run makes objects of its own names. */
let runs = 0;

const createBody = (target: Target): string => {
  const [before, after] = object('NAME').split('NAME') as [string, string];
  return `return wrk.format("POST", "${folder(target)}", nil, ${lua(before)} .. "load-${++runs}-" .. n .. ${lua(after)})`;
};

const patchBody = (target: Target): string =>
  `return wrk.format("PATCH", "${folder(target)}/seed-" .. (n % 200), nil, '{"data":{"key":"' .. n .. '"}}')`;

const applyBody = (target: Target): string =>
  `return wrk.format("PATCH", "${folder(target)}/seed-" .. (n % 200) .. "?fieldManager=bench&force=true", nil, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"seed-' .. (n % 200) .. '"},"data":{"key":"' .. n .. '"}}')`;

const loads: Readonly<Record<string, (target: Target) => Promise<LoadResult>>> = {
  api_get_per_s: (target) =>
    wrk(target, { connections: 16, seconds: 5, request: `return wrk.format("GET", "${folder(target)}/seed-1")` }),
  api_list500_per_s: (target) =>
    wrk(target, { connections: 4, seconds: 5, request: `return wrk.format("GET", "${folder(target)}?limit=500")` }),
  api_patch_per_s: (target) =>
    wrk(target, { connections: 16, seconds: 5, contentType: mergePatch, request: patchBody(target) }),
  api_apply_per_s: (target) =>
    wrk(target, {
      connections: 16,
      seconds: 5,
      contentType: 'application/apply-patch+yaml',
      request: applyBody(target),
    }),
  async api_watch_events_per_s(target) {
    const { perSecond, watchers, requests } = await runWatchers(target, 50, () =>
      wrk(target, { connections: 16, seconds: 5, contentType: mergePatch, request: patchBody(target) }),
    );
    return { perSecond, errors: 0, requests, note: watchers };
  },
  api_create_per_s: (target) => wrk(target, { connections: 16, seconds: 5, request: createBody(target) }),
};

/** Rounds in which ours and upstream's are loaded in turn; the middle one counts. */
const rounds = 3;

/** One of the servers that are loaded in turn; `plane` is unknown for the cluster of a kubeconfig. */
interface Side {
  readonly target: Target;
  readonly plane: ControlPlane | undefined;
}

interface Turn extends LoadResult {
  /** Microseconds of CPU that all processes of the server have used per request. */
  readonly cpu: number;
}

const settleMs = 1_000;

/** One load on one side while the others stand still. */
async function turn(name: string, side: Side, others: readonly Side[]): Promise<Turn> {
  const load = loads[name];
  if (load === undefined) throw new Error(`there is no load ${name}`);
  for (const { plane } of others) if (plane) halt(plane);
  try {
    const used = async (): Promise<number> => (side.plane ? await cpuSecondsOf(side.plane) : Number.NaN);
    const before = await used();
    const result = await load(side.target);
    const cpu = (((await used()) - before) * 1e6) / (result.requests ?? Number.NaN);
    await sleep(settleMs); // what is left to do after the last answer is not the next one's burden
    return { ...result, cpu };
  } finally {
    for (const { plane } of others) if (plane) go(plane);
  }
}

const noteOf = (turns: readonly Turn[]): string =>
  [
    ...new Set(turns.flatMap(({ note }) => note ?? [])),
    ...(Number.isNaN(turns[0]?.cpu) ? [] : [`${Math.round(median(turns.map(({ cpu }) => cpu)))} µs of CPU each`]),
  ].join('; ');

async function measure(sides: readonly Side[], context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  const names = Object.keys(loads).filter((name) => context.wanted.has(name));
  if (names.length > 0) for (const { target } of sides) await seed(target, 600);
  for (const name of names) {
    // What compiles itself while it runs is measured when it has.
    if (sides.length > 1)
      for (const side of sides)
        await turn(
          name,
          side,
          sides.filter((other) => other !== side),
        );
    const turns: Turn[][] = sides.map(() => []);
    for (let round = 0; round < (sides.length > 1 ? rounds : 1); round++)
      for (const [i, side] of sides.entries())
        turns[i]?.push(
          await turn(
            name,
            side,
            sides.filter((other) => other !== side),
          ),
        );
    const perSecond = turns.map((some) => median(some.map((one) => one.perSecond)));
    const [value = Number.NaN, peer] = perSecond;
    const note = turns
      .map(noteOf)
      .filter((text) => text !== '')
      .join(' | ');
    figures.push({ name, value, unit: '/s', better: 'higher', peer, ...(note === '' ? {} : { note }) });
    context.say(`${name} ${perSecond.map((rate) => `${Math.round(rate)}/s`).join(' against ')} ${note}`);
  }
  return figures;
}

/** The API server under load: of this clone, in turn with upstream's, or the one of `--kubeconfig`. */
export const apiLoad: Measurement = {
  names: Object.keys(loads),
  run({ kubeconfig, peer, ...rest }) {
    const context = { kubeconfig, peer, ...rest };
    const starts = kubeconfig !== undefined ? [] : [startShippedServer, ...(peer ? [() => startPeer(peer)] : [])];
    return withControlPlanes(starts, async (planes) => {
      const sides: Side[] = [];
      try {
        if (kubeconfig !== undefined) sides.push({ target: await openTarget(kubeconfig), plane: undefined });
        for (const plane of planes) sides.push({ target: await openTarget(plane.kubeconfig), plane });
        return await measure(sides, context);
      } finally {
        for (const { target, plane } of sides) {
          if (plane) target.abandon();
          else await target.close();
        }
      }
    });
  },
};
