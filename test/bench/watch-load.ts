import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:http2';
import type { Target } from './target.ts';
import type { LoadResult } from './wrk.ts';

interface Order {
  url: string;
  token: string;
  path: string;
  watchers: number;
}

interface Count {
  events: number;
  cpuShare: number;
}

/** Watches with `count` watchers from a process of its own while `load` runs: how many events arrive a second. */
export async function runWatchers(
  target: Target,
  count: number,
  load: () => Promise<LoadResult>,
): Promise<{ perSecond: number; requests: number; watchers: string }> {
  const child = fork(import.meta.filename, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const path = `/api/v1/namespaces/${target.namespace}/configmaps?watch=true&resourceVersion=${await newest(target)}`;
    child.send({ url: target.url, token: target.token, path, watchers: count } satisfies Order);
    await once(child, 'message');
    const begun = performance.now();
    const { perSecond: patches, requests = 0 } = await load();
    const seconds = (performance.now() - begun) / 1000;
    child.send('count');
    const [{ events, cpuShare }] = (await once(child, 'message')) as [Count];
    const share = Math.round(cpuShare * 100);
    const busy = cpuShare > 0.9 ? `; the watching process used ${share} % of a core: it is the bottleneck` : '';
    return {
      perSecond: events / seconds,
      requests,
      watchers: `${count} watchers, ${Math.round(patches)} patches/s${busy}`,
    };
  } finally {
    child.kill();
  }
}

async function newest(target: Target): Promise<string> {
  const list = (await target.client.raw({
    method: 'GET',
    path: `/api/v1/namespaces/${target.namespace}/configmaps`,
    query: { limit: '1' },
  })) as { metadata: { resourceVersion: string } };
  return list.metadata.resourceVersion;
}

/** What a client written in Go lets a server send ahead. */
const streamWindow = 4 << 20;
const sessionWindow = 1 << 30;

/** The child: counts newlines, which is what separates events; parsing would make the counter the bottleneck. */
function watchAndCount({ url, token, path, watchers }: Order): void {
  let events = 0;
  let open = 0;
  const begun = performance.now();
  for (let i = 0; i < watchers; i++) {
    const session = connect(url, { rejectUnauthorized: false, settings: { initialWindowSize: streamWindow } });
    session.once('connect', () => session.setLocalWindowSize(sessionWindow));
    const stream = session.request({ ':path': path, authorization: `Bearer ${token}` });
    stream.on('response', () => {
      open++;
      if (open === watchers) process.send?.('open');
    });
    stream.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) events++;
    });
  }
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ events, cpuShare: (user + system) / 1000 / (performance.now() - begun) } satisfies Count);
  });
}

if (process.send !== undefined && import.meta.main) process.once('message', (order) => watchAndCount(order as Order));
