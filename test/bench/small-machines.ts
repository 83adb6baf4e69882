import { rm } from 'node:fs/promises';
import { until } from '../../images/machine/cluster.ts';
import { demoImage } from '../../images/machine/demo-image.ts';
import { freePort, type Machine } from '../../images/machine/machine.ts';
import { lanConfig } from '../../images/setup/start.ts';
import { testFolder } from '../harness/folder.ts';
import { mountUpdates, secondBuild, updatesDisk } from '../harness/updates.ts';
import { untilTried } from '../harness/upgrades.ts';
import { patienceMs, testImage, testMachine, untilReady } from '../harness/vm.ts';
import type { Figure, Measurement } from './measure.ts';

const memory = { server: 512, agent: 384 } as const;
const pods = 10;
/** What a start leaves in memory reaches the disk within this. */
const settleSeconds = 60;

/**
 * A number of each process by its name, from a line of a file in its folder of /proc: summed up, largest first. The shell
 * command that prints them starts two programs alone, for a machine that is emulated takes a second for each.
 */
const printOf = (file: string, key: string): string =>
  `grep -Hs ^${key}: /proc/[0-9]*/${file}; grep -Hs . /proc/[0-9]*/comm`;

function byProcess(printed: string, key: string): Map<string, number> {
  const names = new Map<string, string>();
  for (const [, pid = '', name = ''] of printed.matchAll(/^\/proc\/(\d+)\/comm:(.+)$/gm)) names.set(pid, name);
  const sums = new Map<string, number>();
  for (const [, pid = '', value] of printed.matchAll(new RegExp(`^/proc/(\\d+)/\\w+:${key}: +(\\d+)`, 'gm'))) {
    const name = names.get(pid) ?? pid;
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  return sums;
}

/** What the whole machine has in use, and who: each process by its share of the pages that it maps (PSS). */
async function memoryOf(machine: Machine, name: string): Promise<Figure[]> {
  const { stdout } = await machine.ssh(
    `grep -E '^(MemTotal|MemAvailable):' /proc/meminfo; sudo sh -c '${printOf('smaps_rollup', 'Pss')}'`,
    patienceMs,
  );
  const by = byProcess(stdout, 'Pss');
  const kb = (key: string): number => Number(new RegExp(`^${key}: +(\\d+)`, 'm').exec(stdout)?.[1]);
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

/**
 * Bytes a second that reach the disk's partition of /var while nothing happens, and who wrote them. All of it in one log-in:
 * another one would be written down in the journal.
 */
async function writtenBy(
  machine: Machine,
  seconds: number,
): Promise<{ bytesPerSecond: number; writers: string; journal: string }> {
  const { stdout } = await machine.ssh(
    `sudo sh -c '
       show() { ${printOf('io', 'write_bytes')}; cat /sys/class/block/$(basename $(findmnt -no SOURCE /var | head -1))/stat; echo =; }
       sleep ${settleSeconds}; sync; sleep 5
       show; sleep ${seconds}; sync; show
       journalctl -q --no-pager -o short-monotonic --since -${seconds}s | head -40'`,
    (seconds + settleSeconds) * 1000 + patienceMs,
  );
  const [first = '', second = '', journal = ''] = stdout.split('=\n');
  const [before, after] = [first, second].map((printed) => ({
    processes: byProcess(printed, 'write_bytes'),
    // sectors written (Documentation/block/stat.rst)
    disk: Number(/^ *(?:\d+ +){6}(\d+) /m.exec(printed)?.[1]) * 512,
  }));
  if (before === undefined || after === undefined) throw new Error(`the machine printed ${stdout}`);
  const grown = [...after.processes]
    .map(([name, bytes]) => [name, bytes - (before.processes.get(name) ?? 0)] as const)
    .filter(([, bytes]) => bytes > 0)
    .sort(([, a], [, b]) => b - a);
  return {
    bytesPerSecond: (after.disk - before.disk) / seconds,
    writers: grown.map(([name, bytes]) => `${name} ${bytes}`).join(', '),
    journal: journal.trim(),
  };
}

/** Upgrades a machine to what its updates' disk has; gives the most memory that was in use while the slot was written. */
async function upgradeIn(machine: Machine, version: string): Promise<number> {
  const { stdout } = await machine.ssh(
    `${mountUpdates} >/dev/null && sudo sh -c '
       (while sleep 1; do sed -n "s/^MemAvailable: *//p" /proc/meminfo; done) >/run/available & sampler=$!
       knarr upgrade --tries 1 --deadline 30m /run/updates/second >&2; ended=$?; kill $sampler
       sed -n "s/^MemTotal: *//p" /proc/meminfo; sort -n /run/available | head -1; exit $ended'`,
    3 * patienceMs,
  );
  const [total = Number.NaN, least = Number.NaN] = stdout.split('\n').map(Number.parseFloat);
  const { last } = await untilTried(machine, version, () => machine.ssh('sudo systemctl reboot'));
  if (last?.result !== 'kept') throw new Error(`the upgrade was not kept: ${last?.reasons.join('; ')}`);
  return (total - least) / 1024;
}

/** A server with ten small pods and an agent, each in as little memory as it is meant for. */
export const smallMachines: Measurement = {
  names: ['small_server_used_mb', 'small_agent_used_mb', 'small_upgrade_used_mb', 'machine_idle_write_bytes_per_s'],
  onlyByName: true,
  async run({ kubeconfig, wanted, seconds = 600, say }) {
    if (kubeconfig !== undefined) throw new Error('--kubeconfig measures the API alone');
    const image = await testImage();
    const port = await freePort();
    const folder = await testFolder('small-machines');
    const machines: Machine[] = [];
    const second = wanted.has('small_upgrade_used_mb') ? await secondBuild() : undefined;
    const media = second === undefined ? [] : [await updatesDisk({ second: second.update }, folder)];
    try {
      for (const [index, role] of (['server', 'agent'] as const).entries()) {
        const { mac, config } = lanConfig(index, 'small-machines');
        const options = { name: role, image, memoryMb: memory[role], lan: { port, mac }, firmware: true, media };
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
      const figures = [
        ...(await memoryOf(server, 'small_server_used_mb')),
        ...(await memoryOf(agent, 'small_agent_used_mb')),
      ];
      for (const { name, value } of figures.filter((one) => !one.name.includes('.')))
        say(`${name} ${value.toFixed(0)}`);
      if (wanted.has('machine_idle_write_bytes_per_s')) {
        const { bytesPerSecond: value, writers, journal } = await writtenBy(server, seconds);
        say(`bytes given to the file system meanwhile: ${writers || 'none'}`);
        say(`written in the journal meanwhile: ${journal || 'nothing'}`);
        figures.push({
          name: 'machine_idle_write_bytes_per_s',
          value,
          unit: 'B/s',
          better: 'lower',
          note: `${seconds} s, ${pods} pods, one agent`,
        });
      }
      if (second !== undefined) {
        const { version } = second.inputs;
        for (const [role, machine] of [['server', server] as const, ['agent', agent] as const]) {
          const value = await upgradeIn(machine, version);
          const note = `${role}, ${memory[role]} MB; the new version was kept`;
          figures.push({ name: `small_upgrade_used_mb.${role}`, value, unit: 'MB', better: 'lower', note });
          say(`${role}: upgraded to ${version}`);
        }
      }
      return figures;
    } finally {
      for (const machine of machines) await machine.remove();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
