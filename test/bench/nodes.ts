import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clone } from '../../images/tools/paths.ts';
import { eventually } from '../../src/base/eventually.ts';
import { createTestCluster, type TestCluster } from '../harness/cluster.ts';
import type { TestNode } from '../harness/node.ts';
import { whyNoNodes } from '../harness/programs.ts';
import { nodeReady } from '../harness/scenario.ts';
import { type Figure, type Measurement, median } from './measure.ts';
import { cpuSeconds, residentMb, writtenBytes } from './processes.ts';

const settleSeconds = 30;
const usualIdleSeconds = 30;

const link = (path: string): Promise<string> => readlink(path).catch(() => '');

/** The daemon's process as this machine sees it: the one of that number in the node's own PID namespace. */
async function daemonPid(node: TestNode): Promise<number> {
  const inner = (await node.exec('cat', ['/run/knarr.pid'])).stdout.trim();
  const space = await link(`/proc/${node.pid}/ns/pid`);
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || (await link(`/proc/${name}/ns/pid`)) !== space) continue;
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '');
    if (/^NSpid:.*\s(\d+)$/m.exec(status)?.[1] === inner) return Number(name);
  }
  throw new Error('the daemon’s process was not found');
}

async function idle(cluster: TestCluster, agent: TestNode, idleSeconds: number): Promise<Figure[]> {
  const [server, other] = await Promise.all([daemonPid(cluster.server), daemonPid(agent)]);
  await sleep(settleSeconds * 1000);
  const before = { cpu: await cpuSeconds(server), written: await writtenBytes(server) };
  await sleep(idleSeconds * 1000);
  const cpu = ((await cpuSeconds(server)) - before.cpu) / idleSeconds;
  const written = ((await writtenBytes(server)) - before.written) / idleSeconds;
  return [
    { name: 'idle_rss_server_mb', value: await residentMb(server), unit: 'MB', better: 'lower' },
    { name: 'idle_rss_agent_mb', value: await residentMb(other), unit: 'MB', better: 'lower' },
    { name: 'idle_cpu_percent', value: cpu * 100, unit: '%', better: 'lower' },
    { name: 'idle_write_bytes_per_s', value: written, unit: 'B/s', better: 'lower' },
  ];
}

/** Pods one after the other, timed inside the node's network by the clone's own client. */
async function podStarts(cluster: TestCluster): Promise<Figure> {
  const { stdout } = await cluster.server.exec(process.execPath, [join(clone, 'test/bench/pod-start.ts'), '10']);
  return { name: 'pod_start_p50_s', value: median(JSON.parse(stdout) as number[]), unit: 's', better: 'lower' };
}

/** Real nodes of the fast tier. */
export const nodes: Measurement = {
  names: [
    'start_to_node_ready_s',
    'idle_rss_server_mb',
    'idle_rss_agent_mb',
    'idle_cpu_percent',
    'idle_write_bytes_per_s',
    'pod_start_p50_s',
  ],
  async run({ wanted, kubeconfig, seconds = usualIdleSeconds, say }) {
    if (kubeconfig !== undefined) throw new Error('--kubeconfig measures the API alone');
    const why = await whyNoNodes();
    if (why !== undefined) throw new Error(why);
    const cluster = await createTestCluster();
    try {
      const figures: Figure[] = [];
      await nodeReady(cluster, 'one');
      const ready = await eventually('the time of readiness', async () => {
        const log = await cluster.server.log();
        const at = (text: RegExp): number => Date.parse(text.exec(log)?.[1] ?? '');
        const seconds = (at(/^(\S+) .*the node is ready/m) - cluster.server.startedAt) / 1000;
        if (Number.isNaN(seconds)) throw new Error('the log does not say it');
        return seconds;
      });
      figures.push({ name: 'start_to_node_ready_s', value: ready, unit: 's', better: 'lower' });
      say(`node ready after ${ready.toFixed(2)} s`);
      if ([...wanted].some((name) => name.startsWith('idle_'))) {
        const agent = await cluster.addNode('two');
        await cluster.join(agent);
        await nodeReady(cluster, 'two');
        figures.push(...(await idle(cluster, agent, seconds)));
      }
      if (wanted.has('pod_start_p50_s')) figures.push(await podStarts(cluster));
      return figures;
    } finally {
      await cluster.close();
    }
  },
};
