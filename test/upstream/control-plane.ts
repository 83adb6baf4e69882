import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { leases } from '../../src/api/gen/resources.ts';
import { eventually } from '../../src/base/eventually.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createHttpTransport } from '../../src/client/http-transport.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';
import { type OwnServer, startOwnServer } from '../bench/own-server.ts';
import type { UpstreamPrograms } from './programs.ts';

/** Our API server with upstream's controller manager and scheduler in place of ours. */
export interface UpstreamControlPlane {
  readonly client: Client;
  readonly kubeconfig: string;
  /** Lines that the two programs have logged as warnings and errors so far, without those that say nothing of us. */
  complaints(): Promise<string[]>;
  stop(): Promise<void>;
}

/** What the programs also print beside upstream's own server. */
const ordinary: readonly RegExp[] = [
  /The manifest file is empty, ignoring/,
  /Flexvolume plugin directory at .* does not exist/,
  // Two controllers write one object; the loser tries again.
  /the object has been modified; please apply your changes to the latest version/,
  // A controller's copy is older than what it has just written: it waits for the watch.
  /read version: \d+ is not as new as written version: \d+/,
  // The object was deleted while its controller worked on it.
  /failed with \w+\.apps \\"[^"]+\\" not found/,
  // What a plug-in of the scheduler says when another one before it has refused a pod with an unbound claim.
  /Status after running PostFilter plugins for pod.*status="not found"/,
  // A case sets two autoscalers on the same pods.
  /pods by selector app=web are controlled by multiple HPAs/,
  // A node's network is assigned a second time before the first is in the controller's copy.
  /node updates may not change podCIDR except from/,
  // Nobody serves metrics here.
  /unable to fetch metrics from resource metrics API: the server could not find the requested resource/,
  // The scheduler says in this way that a pod does not fit.
  /no nodes available to schedule pods|Unable to schedule pod/,
];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

const programs = (folder: string) => {
  const tls = (name: string): string => join(folder, 'server/tls', name);
  const credentials = (name: string): string[] => {
    const path = join(folder, 'server/cred', `${name}.kubeconfig`);
    return [`--kubeconfig=${path}`, `--authentication-kubeconfig=${path}`, `--authorization-kubeconfig=${path}`];
  };
  return {
    controllerManager: [
      ...credentials('controller'),
      '--use-service-account-credentials',
      `--service-account-private-key-file=${tls('service.key')}`,
      `--root-ca-file=${tls('server-ca.crt')}`,
      `--cluster-signing-cert-file=${tls('client-ca.crt')}`,
      `--cluster-signing-key-file=${tls('client-ca.key')}`,
      '--allocate-node-cidrs',
      '--cluster-cidr=10.42.0.0/16',
      '--service-cluster-ip-range=10.43.0.0/16',
      '--controllers=*,bootstrap-signer-controller,token-cleaner-controller',
      '--horizontal-pod-autoscaler-sync-period=1s',
    ],
    scheduler: credentials('scheduler'),
  } satisfies Record<keyof UpstreamPrograms, string[]>;
};

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

export async function startUpstreamControlPlane(found: UpstreamPrograms): Promise<UpstreamControlPlane> {
  const server: OwnServer = await startOwnServer(
    '--disable-controller-manager',
    '--disable-scheduler',
    '--disable=servicelb',
  );
  const children: ChildProcess[] = [];
  const logs: string[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map(ended));
    transport.close();
    await server.stop();
  };
  const transport = createHttpTransport(await loadKubeconfig(server.kubeconfig));
  const client = createClient(transport);
  try {
    for (const [name, args] of Object.entries(programs(server.folder))) {
      const path = join(server.folder, `${name}.log`);
      const certificates = join(server.folder, `${name}-certificates`);
      await mkdir(certificates);
      const log = await open(path, 'w');
      const fixed = ['--bind-address=127.0.0.1', `--secure-port=${await freePort()}`, `--cert-dir=${certificates}`];
      children.push(
        spawn(found[name as keyof UpstreamPrograms], [...args, ...fixed], { stdio: ['ignore', log.fd, log.fd] }),
      );
      await log.close();
      logs.push(path);
    }
    for (const name of ['kube-controller-manager', 'kube-scheduler'])
      await eventually(`${name} to lead`, async () => {
        const lease = await client.get(leases, name, { namespace: 'kube-system' });
        if (!lease.spec?.holderIdentity) throw new Error('nobody holds the lease');
      });
  } catch (error) {
    const tails = await Promise.all(logs.map((path) => readFile(path, 'utf8').catch(() => '')));
    await stop();
    throw new Error(`${String(error)}\n${tails.map((text) => text.split('\n').slice(-8).join('\n')).join('\n')}`);
  }
  return {
    client,
    kubeconfig: server.kubeconfig,
    async complaints() {
      const texts = await Promise.all(logs.map((path) => readFile(path, 'utf8')));
      return texts
        .flatMap((text) => text.split('\n'))
        .filter((line) => /^[WEF]\d{4} |^panic|DATA RACE/.test(line))
        .filter((line) => !ordinary.some((pattern) => pattern.test(line)));
    },
    stop,
  };
}
