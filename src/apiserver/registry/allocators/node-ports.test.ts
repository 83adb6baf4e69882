import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../../api/gen/core-v1.ts';
import { parseCidr } from '../../../base/cidr.ts';
import { dryAddresses, dryPorts } from './dry-run.ts';
import { allocatePorts } from './node-ports.ts';
import { createPortPool } from './port-pool.ts';

type Ports = [port: number, protocol: string, nodePort?: number][];
const spec = (ports: Ports, more: object = {}) => ({
  type: 'NodePort' as const,
  ports: ports.map(([port, protocol, nodePort]) => ({ port, protocol, ...(nodePort ? { nodePort } : {}) })),
  ...more,
});
const service = { metadata: { name: 's' } } as Service;
const pool = () => createPortPool({ from: 30_000, to: 30_999 });
const nodePorts = ({ ports }: ReturnType<typeof spec>): (number | undefined)[] => ports.map((p) => p.nodePort);

test('one port of several protocols has one node port, whichever of them asks for it', () => {
  const asked = spec([
    [53, 'UDP'],
    [53, 'TCP', 30_053],
    [80, 'TCP', 30_080],
  ]);
  allocatePorts(service, asked, undefined, pool());
  assert.deepEqual(nodePorts(asked), [30_053, 30_053, 30_080]);
});

test('two ports do not share a node port, and one protocol not two', () => {
  const two = spec([
    [80, 'TCP', 30_080],
    [81, 'UDP', 30_080],
  ]);
  assert.throws(() => allocatePorts(service, two, undefined, pool()), /ports\[1\].*already allocated/);
  const same = spec([
    [80, 'TCP', 30_080],
    [81, 'TCP', 30_080],
  ]);
  assert.throws(
    () => allocatePorts(service, same, spec([]), pool()),
    (error: Error) => error.message === 'duplicate nodePort: {TCP 30080}',
  );
});

test('where nothing may be taken, the answers are placeholders', () => {
  const taken = pool();
  taken.mark(30_080);
  const asked = spec([
    [80, 'TCP'],
    [81, 'TCP', 7],
    [82, 'TCP'],
  ]);
  allocatePorts(service, asked, undefined, dryPorts(taken));
  assert.deepEqual(nodePorts(asked), [32_769, 7, 32_770]);
  assert.throws(() => allocatePorts(service, spec([[80, 'TCP', 30_080]]), undefined, dryPorts(taken)), /allocated/);
  const networks = [parseCidr('10.43.0.0/16')].flatMap((network) => network ?? []);
  assert.equal(dryAddresses.takeAny(networks), '10.43.0.0');
  assert.equal(dryAddresses.take('10.43.0.7', networks), undefined);
  assert.match(dryAddresses.take('10.44.0.7', networks) ?? '', /valid IPs is 10\.43\.0\.0\/16$/);
});
