import { run } from '../../src/base/run.ts';
import { type Namespace, openNamespace } from './namespace.ts';

/** A wire between test nodes: a bridge in a namespace of its own. Nothing of it is seen outside. */
export interface TestNetwork {
  /** Gives `node` an interface `eth0` with this address (with its prefix) on the wire. */
  attach(node: Namespace, address: string): Promise<void>;
  close(): Promise<void>;
}

export async function createTestNetwork(): Promise<TestNetwork> {
  const hub = await openNamespace({
    setup: 'ip link set lo up\nip link add br0 type bridge\nip link set br0 up',
    init: ['sleep', 'infinity'],
  });
  // Only the network namespace is entered: the process ids of the nodes are seen from outside alone.
  const ip = (...args: string[]) => run('nsenter', ['--target', String(hub.pid), '--net', '--', 'ip', ...args]);
  let count = 0;
  return {
    async attach(node, address) {
      const port = `port${count++}`;
      await ip('link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(node.pid));
      await ip('link', 'set', port, 'master', 'br0', 'up');
      await node.exec('ip', ['address', 'add', address, 'dev', 'eth0']);
      await node.exec('ip', ['link', 'set', 'eth0', 'up']);
    },
    close: () => hub.close(),
  };
}
