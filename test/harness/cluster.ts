import { eventually, Hopeless } from '../../src/base/eventually.ts';
import { createTestNetwork } from './network.ts';
import { createTestNode, sweepTestNodes, type TestNode } from './node.ts';
import { findNodePrograms } from './programs.ts';

/** A cluster of the fast tier: the first node is the server. */
export interface TestCluster {
  readonly server: TestNode;
  readonly nodes: readonly TestNode[];
  /** Makes one more machine on the wire; nothing runs on it yet. */
  addNode(name: string): Promise<TestNode>;
  /** Starts `knarr agent` there with the cluster's token. */
  join(node: TestNode, ...args: string[]): Promise<void>;
  kubectl: TestNode['kubectl'];
  close(): Promise<void>;
}

export async function createTestCluster(options: { serverArgs?: readonly string[] } = {}): Promise<TestCluster> {
  const programs = await findNodePrograms();
  if (typeof programs === 'string') throw new Error(programs);
  await sweepTestNodes();
  const network = await createTestNetwork();
  const machines: TestNode[] = [];
  const addNode = async (name: string): Promise<TestNode> => {
    const address = `172.30.99.${machines.length + 1}/24`;
    const node = await createTestNode({ name, address, network, programs });
    machines.push(node);
    return node;
  };
  const close = async (): Promise<void> => {
    await Promise.all(machines.map((node) => node.close()));
    await network.close();
  };
  try {
    const server = await addNode('one');
    await server.start('server', ...(options.serverArgs ?? []));
    await eventually('the API to be ready', async () => {
      if (typeof server.exitCode === 'number') throw new Hopeless(`the daemon ended: ${await server.log()}`);
      await server.kubectl('get', '--raw', '/readyz');
    });
    return {
      server,
      nodes: machines,
      addNode,
      async join(node, ...args) {
        const { stdout } = await server.exec('cat', ['/var/lib/rancher/k3s/server/node-token']);
        await node.start('agent', '--server', `https://${server.address}:6443`, '--token', stdout.trim(), ...args);
      },
      kubectl: server.kubectl,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
