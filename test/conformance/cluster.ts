import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../../src/base/eventually.ts';
import { createTestCluster } from '../harness/cluster.ts';
import { findNodePrograms } from '../harness/programs.ts';
import { conformanceImages } from './images.ts';

/** A cluster of the fast tier with the suite's images on both of its nodes. */
export interface ConformanceCluster {
  kubeconfig: string;
  /** Starts a program where the cluster's addresses can be reached. */
  spawn(program: string, args: readonly string[]): ChildProcess;
  stop(): Promise<void>;
}

/** `logFolder` gets the daemons' logs when the cluster stops, as `NODE.log`. */
export async function startCluster(options: { agnhost: string; logFolder: string }): Promise<ConformanceCluster> {
  const programs = await findNodePrograms();
  if (typeof programs === 'string') throw new Error(programs);
  const images = await conformanceImages({ ...programs, agnhost: options.agnhost });
  const cluster = await createTestCluster();
  try {
    await cluster.join(await cluster.addNode('two'));
    for (const node of cluster.nodes)
      await writeFile(join(node.folder, 'data/var/lib/rancher/k3s/agent/images/conformance.tar'), images);
    for (const node of cluster.nodes)
      await eventually(
        `the suite's images on node ${node.name}`,
        async () => {
          const socket = '/run/k3s/containerd/containerd.sock';
          const { stdout } = await node.exec(programs.ctr, ['-a', socket, '-n', 'k8s.io', 'images', 'ls', '-q']);
          if (!stdout.includes('/perl:')) throw new Error(`it has ${stdout.trim().replaceAll('\n', ', ')}`);
          await cluster.kubectl('wait', '--for=condition=Ready', `node/${node.name}`, '--timeout=60s');
        },
        // Half a gigabyte is unpacked and made durable on each node.
        600_000,
      );
    return {
      kubeconfig: '/etc/rancher/k3s/k3s.yaml',
      spawn: (program, args) => cluster.server.spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }),
      async stop() {
        for (const node of cluster.nodes)
          await writeFile(join(options.logFolder, `${node.name}.log`), await node.log());
        await cluster.close();
      },
    };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}
