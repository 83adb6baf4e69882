import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildImage } from '../../build.ts';
import { findAccelerator } from '../machine/accelerator.ts';
import { apiAnswers, fetchKubeconfig, nodesReady } from '../machine/cluster.ts';
import { demoImage, makeDemoImage } from '../machine/demo-image.ts';
import { freePort, type Machine, openMachine } from '../machine/machine.ts';
import { hostArch, machines, nodePrograms } from '../tools/paths.ts';
import { type Progress, seconds } from './progress.ts';
import { setUp } from './tools.ts';

/** What machines of one cluster share; kept beside them. */
interface Shared {
  token: string;
  lanPort: number;
}

async function shared(): Promise<Shared> {
  const path = join(machines, 'cluster.json');
  const known = await readFile(path, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known);
  const made: Shared = { token: randomBytes(16).toString('hex'), lanPort: await freePort() };
  await mkdir(machines, { recursive: true });
  await writeFile(path, JSON.stringify(made), { mode: 0o600 });
  return made;
}

/** The configuration of the machine with this number: 0 is the server. All have an address on the common Ethernet. */
export function lanConfig(index: number, token: string): { address: string; mac: string; config: object } {
  const address = `192.168.121.${10 + index}`;
  const mac = `52:54:00:6b:6e:${(0x10 + index).toString(16)}`;
  const network = `[Match]\nMACAddress=${mac}\n\n[Network]\nAddress=${address}/24\nLinkLocalAddressing=no\nDHCP=no\n`;
  return {
    address,
    mac,
    config: {
      write_files: [{ path: '/etc/systemd/network/20-lan.network', content: network }],
      k3os: {
        token,
        ...(index === 0 ? {} : { server_url: `https://192.168.121.10:6443` }),
        k3s_args: [index === 0 ? 'server' : 'agent', '--node-ip', address],
      },
    },
  };
}

/** A line for each part that took a tenth of a second or more. */
export function durations(taken: Progress['taken']): string {
  const parts = taken.filter(({ ms }) => ms >= 100).map(({ title, ms }) => [title, seconds(ms)] as const);
  const [wide, width] = [0, 1].map((column) => Math.max(0, ...parts.map((part) => part[column]?.length ?? 0)));
  return parts.map(([title, time]) => `  ${title.padEnd(wide ?? 0)}  ${time.padStart(width ?? 0)}`).join('\n');
}

/** `npm start [-- --agents N]`: from nothing to a cluster of virtual machines that is ready. */
export async function start(args: readonly string[], progress: Progress): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { agents: { type: 'string', default: '0' }, memory: { type: 'string', default: '2048' } },
  });
  const agents = Number(values.agents);
  if (!Number.isInteger(agents) || agents < 0 || agents > 200) throw new Error('--agents takes a number from 0 to 200');
  const started = Date.now();
  await setUp(['image', 'vm'], progress);
  const image = await buildImage(
    'vm',
    { arch: hostArch, compression: 'fast', addImages: [await makeDemoImage()] },
    progress,
  );
  const accelerator = await progress.stage('does KVM work?', async (say) => {
    const found = await findAccelerator();
    say(found === 'kvm' ? 'yes' : 'no: emulation, which is slow');
    return found;
  });
  const { token, lanPort } = await shared();
  const cluster: Machine[] = [];
  for (let index = 0; index <= agents; index++) {
    const name = index === 0 ? 'server' : `agent-${index}`;
    const { mac, config } = lanConfig(index, token);
    const machine = await openMachine({
      name,
      image,
      accelerator,
      memoryMb: Number(values.memory),
      config: { hostname: name, ...config },
      lan: { port: lanPort, mac },
    });
    if (await machine.running()) progress.note(`✓ ${name} runs already`);
    else await progress.stage(`power-on of ${name}`, () => machine.start());
    cluster.push(machine);
  }
  const [server] = cluster;
  if (server === undefined) return 1;
  const limit = accelerator === 'kvm' ? 180_000 : 900_000;
  await progress.stage('API', () => apiAnswers(server, limit));
  const kubeconfig = await progress.stage('kubeconfig', () => fetchKubeconfig(server, limit));
  await progress.stage(agents === 0 ? 'node Ready' : `${agents + 1} nodes Ready`, async () =>
    nodesReady(server, await readFile(kubeconfig, 'utf8'), agents + 1, limit),
  );
  process.stdout.write(`
Ready after ${seconds(Date.now() - started)}:

${durations(progress.taken)}

  kubeconfig   ${kubeconfig}
  log in       ${server.sshCommand}
  console      ${join(server.folder, 'console.log')}
  kubectl      ${nodePrograms.kubectl}

Try:

  export KUBECONFIG=${kubeconfig} PATH=$PATH:${join(nodePrograms.kubectl, '..')}
  kubectl get nodes -o wide
  kubectl create deployment hello --image=${demoImage} && kubectl rollout status deployment/hello
  kubectl exec deployment/hello -- cat /www/index.html

npm stop takes it down; npm run clean removes all that was made.
`);
  return 0;
}
