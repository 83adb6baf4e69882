import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../images/machine/cluster.ts';
import { demoImage } from '../../images/machine/demo-image.ts';
import { freePort, type Machine } from '../../images/machine/machine.ts';
import { lanConfig } from '../../images/setup/start.ts';
import { patienceMs, testImage, testMachine, untilReady } from '../harness/vm.ts';
import type { Figure, Measurement } from './measure.ts';

const memory = { server: 512, agent: 384 } as const;
const pods = 10;

/** What the whole machine has in use, and who: each process by its share of the pages that it maps (PSS). */
async function memoryOf(machine: Machine, name: string): Promise<Figure[]> {
  const { stdout } = await machine.ssh(
    `grep -E '^(MemTotal|MemAvailable):' /proc/meminfo; sudo sh -c 'for p in /proc/[0-9]*; do
       pss=$(sed -n "s/^Pss: *//p" $p/smaps_rollup 2>/dev/null); [ -n "$pss" ] && echo "P $(cat $p/comm) $pss"; done'`,
  );
  const kb = (key: string): number => Number(new RegExp(`^${key}: +(\\d+)`, 'm').exec(stdout)?.[1]);
  const by = new Map<string, number>();
  for (const [, process = '', pss] of stdout.matchAll(/^P (.+) (\d+) kB$/gm))
    by.set(process, (by.get(process) ?? 0) + Number(pss));
  const figure = (of: string, value: number): Figure => ({
    name: of,
    value: value / 1024,
    unit: 'MB',
    better: 'lower',
  });
  const largest = [...by].filter(([, value]) => value >= 1024).sort(([, a], [, b]) => b - a);
  return [
    figure(name, kb('MemTotal') - kb('MemAvailable')),
    ...largest.map(([process, value]) => figure(`${name}.${process.replaceAll(/[^\w-]/g, '_')}`, value)),
  ];
}

/** Bytes that reached the disk's partition of /var so far. */
async function writtenTo(machine: Machine): Promise<number> {
  const { stdout } = await machine.ssh('cat /sys/class/block/$(basename $(findmnt -no SOURCE /var | head -1))/stat');
  return Number(stdout.trim().split(/\s+/)[6]) * 512;
}

/** A server with ten small pods and an agent, each in as little memory as it is meant for. */
export const smallMachines: Measurement = {
  names: ['small_server_used_mb', 'small_agent_used_mb', 'machine_idle_write_bytes_per_s'],
  onlyByName: true,
  async run({ kubeconfig, wanted, seconds = 600, say }) {
    if (kubeconfig !== undefined) throw new Error('--kubeconfig measures the API alone');
    const image = await testImage();
    const port = await freePort();
    const machines: Machine[] = [];
    try {
      for (const [index, role] of (['server', 'agent'] as const).entries()) {
        const { mac, config } = lanConfig(index, 'small-machines');
        const options = { name: role, image, memoryMb: memory[role], lan: { port, mac } };
        machines.push(await testMachine({ ...options, config: { hostname: role, ...config } }));
      }
      const [server, agent] = machines as [Machine, Machine];
      await server.start();
      const kubectl = await untilReady(server);
      say(`a server in ${memory.server} MB is Ready`);
      await agent.start();
      const readyNodes = async (): Promise<true | undefined> =>
        /agent\s+Ready/.test(await kubectl.run('get', 'nodes')) ? true : undefined;
      await until('the agent', patienceMs, readyNodes, { machine: agent, everyMs: 2_000 });
      say(`an agent in ${memory.agent} MB is Ready`);
      const spec = JSON.stringify({ spec: { template: { spec: { nodeName: 'server' } } } });
      await kubectl.run('create', 'deployment', 'small', `--image=${demoImage}`, '--replicas=0');
      await kubectl.run('patch', 'deployment', 'small', '-p', spec);
      await kubectl.run('scale', 'deployment', 'small', `--replicas=${pods}`);
      await kubectl.run('rollout', 'status', 'deployment/small', '--timeout=600s');
      say(`${pods} pods run on the server`);
      const figures: Figure[] = [];
      if (wanted.has('machine_idle_write_bytes_per_s')) {
        // what the start left in memory reaches the disk first
        await sleep(60_000);
        await server.ssh('sync');
        const [before, begun] = [await writtenTo(server), performance.now()];
        await sleep(seconds * 1000);
        const value = ((await writtenTo(server)) - before) / ((performance.now() - begun) / 1000);
        figures.push({
          name: 'machine_idle_write_bytes_per_s',
          value,
          unit: 'B/s',
          better: 'lower',
          note: `${seconds} s, ${pods} pods, one agent`,
        });
      }
      figures.push(
        ...(await memoryOf(server, 'small_server_used_mb')),
        ...(await memoryOf(agent, 'small_agent_used_mb')),
      );
      return figures;
    } finally {
      for (const machine of machines) await machine.remove();
    }
  },
};
