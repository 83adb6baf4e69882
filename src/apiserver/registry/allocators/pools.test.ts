import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCidr } from '../../../base/cidr.ts';
import { createAllocatorMetrics } from '../../metrics/allocators.ts';
import { createAddressPool } from './address-pool.ts';
import { createPortPool } from './port-pool.ts';

test('what pools give out, refuse and have left is counted', () => {
  const metrics = createAllocatorMetrics();
  const networks = ['10.0.0.0/24', '10.1.0.0/30'].flatMap((text) => parseCidr(text) ?? []);
  const addresses = createAddressPool(metrics);
  const ports = createPortPool({ from: 30_000, to: 30_009 }, metrics);
  metrics.follow({ addresses: () => addresses.usage(networks), ports: () => ports.usage() });
  addresses.mark('10.0.0.7', networks);
  assert.equal(addresses.take('10.0.0.9', networks), undefined);
  assert.equal(addresses.take('10.0.0.9', networks), 'provided IP is already allocated');
  assert.ok(addresses.takeAny(networks)?.startsWith('10.0.0.'));
  assert.equal(addresses.take('10.1.0.1', networks), undefined);
  addresses.release('10.0.0.9');
  ports.mark(30_001);
  assert.equal(ports.take(30_001), 'provided port is already allocated');
  assert.ok(ports.takeAny());
  const text = metrics.render();
  for (const line of [
    'clusterip_allocator_allocated_ips{cidr="10.0.0.0/24"} 2',
    'clusterip_allocator_available_ips{cidr="10.0.0.0/24"} 252',
    'clusterip_allocator_available_ips{cidr="10.1.0.0/30"} 1',
    'clusterip_allocator_allocation_total{cidr="10.0.0.0/24",scope="dynamic"} 1',
    'clusterip_allocator_allocation_errors_total{cidr="10.0.0.0/24",scope="static"} 1',
    'clusterip_allocator_allocation_duration_seconds_count{cidr="10.0.0.0/24"} 3',
    'nodeport_allocator_allocated_ports 2',
    'nodeport_allocator_available_ports 8',
    'nodeport_allocator_allocation_total{scope="dynamic"} 1',
    'nodeport_allocator_allocation_errors_total{scope="static"} 1',
  ])
    assert.ok(text.includes(`kube_apiserver_${line}\n`), `${line}\n${text}`);
});
