import { configmaps } from '../../src/api/gen/resources.ts';
import type { BenchContext, Figure, Measurement } from './measure.ts';
import { startOwnServer } from './own-server.ts';
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

const createBody = (target: Target): string => {
  const [before, after] = object('NAME').split('NAME') as [string, string];
  return `return wrk.format("POST", "${folder(target)}", nil, ${lua(before)} .. "load-" .. prefix .. "-" .. n .. ${lua(after)})`;
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
    const { perSecond, watchers } = await runWatchers(target, 50, () =>
      wrk(target, { connections: 16, seconds: 5, contentType: mergePatch, request: patchBody(target) }),
    );
    return { perSecond, errors: 0, note: `${watchers}` };
  },
  api_create_per_s: (target) => wrk(target, { connections: 16, seconds: 5, request: createBody(target) }),
};

async function measure(target: Target, context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  const names = Object.keys(loads).filter((name) => context.wanted.has(name));
  if (names.length > 0) await seed(target, 600);
  for (const name of names) {
    const result = await loads[name]?.(target);
    if (result === undefined) continue;
    const { perSecond, note } = result;
    figures.push({ name, value: perSecond, unit: '/s', better: 'higher', ...(note === undefined ? {} : { note }) });
    context.say(`${name} ${Math.round(perSecond)}/s`);
  }
  return figures;
}

/** The API server under load: of this clone, or the one of `--kubeconfig`. */
export const apiLoad: Measurement = {
  names: Object.keys(loads),
  async run(context) {
    const own = context.kubeconfig === undefined ? await startOwnServer() : undefined;
    try {
      const target = await openTarget(context.kubeconfig ?? own?.kubeconfig ?? '');
      try {
        return await measure(target, context);
      } finally {
        await target.close();
      }
    } finally {
      await own?.stop();
    }
  },
};
