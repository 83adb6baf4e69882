import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testFolder } from '../harness/folder.ts';
import { type ControlPlane, freePort, untilReady } from './control-plane.ts';

interface Places {
  readonly programs: string;
  readonly folder: string;
  readonly kinePort: number;
  readonly port: number;
  readonly kubeconfig: string;
}

const kine = ({ folder, kinePort }: Places): string[] => [
  ...['--listen-address', `127.0.0.1:${kinePort}`, '--metrics-bind-address', '0'],
  '--endpoint',
  `sqlite://${folder}/state.db?_journal=WAL&cache=shared&_busy_timeout=30000&_txlock=immediate`,
];

const apiServer = ({ folder, kinePort, port }: Places): string[] => [
  `--etcd-servers=http://127.0.0.1:${kinePort}`,
  `--secure-port=${port}`,
  '--bind-address=127.0.0.1',
  `--cert-dir=${folder}/certs`,
  '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
  `--service-account-key-file=${folder}/sa.key`,
  `--service-account-signing-key-file=${folder}/sa.key`,
  `--token-auth-file=${folder}/tokens.csv`,
  '--service-cluster-ip-range=10.43.0.0/16',
  '--authorization-mode=Node,RBAC',
  '--allow-privileged=true',
];

const controllerManager = ({ folder, kubeconfig }: Places): string[] => [
  `--kubeconfig=${kubeconfig}`,
  `--service-account-private-key-file=${folder}/sa.key`,
  '--use-service-account-credentials=true',
  '--leader-elect=false',
  '--secure-port=0',
];

const scheduler = ({ kubeconfig }: Places): string[] => [
  `--kubeconfig=${kubeconfig}`,
  '--leader-elect=false',
  '--secure-port=0',
];

function kubeconfigText(port: number, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'peer',
    clusters: [{ name: 'peer', cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'peer', user: { token } }],
    contexts: [{ name: 'peer', context: { cluster: 'peer', user: 'peer' } }],
  });
}

/**
 * Upstream's control plane over kine on SQLite, of the programs `kine`, `kube-apiserver`, `kube-controller-manager` and
 * `kube-scheduler` in a folder: the same parts that one process of ours has.
 */
export async function startPeer(programs: string): Promise<ControlPlane> {
  const folder = await testFolder('peer');
  const token = randomUUID();
  const places: Places = {
    programs,
    folder,
    kinePort: await freePort(),
    port: await freePort(),
    kubeconfig: join(folder, 'kubeconfig'),
  };
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'sec1', format: 'pem' }));
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,1,"system:masters"\n`);
  await writeFile(places.kubeconfig, kubeconfigText(places.port, token));

  const children: ChildProcess[] = [];
  const run = async (name: string, args: readonly string[]): Promise<void> => {
    const log = await open(join(folder, `${name}.log`), 'w');
    const child = spawn(join(programs, name), args, { stdio: ['ignore', log.fd, log.fd], cwd: folder });
    children.push(child);
    await once(child, 'spawn');
    await log.close();
  };
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL'); // nothing of it is kept, and it takes half a minute to end by itself
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const begun = performance.now();
    await run('kine', kine(places));
    await run('kube-apiserver', apiServer(places));
    await untilReady(places.port, () =>
      children.some((child) => child.exitCode !== null) ? 'a program of the peer ended' : undefined,
    );
    const readySeconds = (performance.now() - begun) / 1000;
    await run('kube-controller-manager', controllerManager(places));
    await run('kube-scheduler', scheduler(places));
    const pids = children.map(({ pid }) => pid ?? 0);
    return { name: 'upstream', kubeconfig: places.kubeconfig, pids, readySeconds, stop };
  } catch (error) {
    const logs = await Promise.all(
      ['kine', 'kube-apiserver'].map((name) => readFile(join(folder, `${name}.log`), 'utf8').catch(() => '')),
    );
    await stop();
    const last = logs.map((log) => log.trimEnd().split('\n').at(-1)).join('; ');
    throw new Error(`upstream's control plane did not start: ${last}`, { cause: error });
  }
}
