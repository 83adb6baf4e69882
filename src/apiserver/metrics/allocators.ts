import { createCounters } from './counter.ts';
import { createHistograms, usualBounds } from './histogram.ts';
import { type Family, renderFamilies } from './text.ts';

/** How something is asked for: by name, or any. */
export type Scope = 'static' | 'dynamic';

export interface Usage {
  readonly taken: number;
  readonly free: number;
}

/** What Services are given, under upstream's names. */
export interface AllocatorMetrics {
  address(cidr: string, scope: Scope, got: boolean, ms: number): void;
  port(scope: Scope, got: boolean): void;
  /** What is asked, at every scrape, for what is given out now: by network, and of the ports. */
  follow(usage: { addresses(): ReadonlyMap<string, Usage>; ports(): Usage }): void;
  render(): string;
}

export function createAllocatorMetrics(): AllocatorMetrics {
  const ips = 'kube_apiserver_clusterip_allocator_';
  const nodePorts = 'kube_apiserver_nodeport_allocator_';
  const counted = (prefix: string, what: string, labels: readonly string[]) => ({
    got: createCounters({ name: `${prefix}allocation_total`, help: `${what} that were given out.`, labels }),
    failed: createCounters({ name: `${prefix}allocation_errors_total`, help: `${what} that could not be.`, labels }),
  });
  const addresses = counted(ips, 'Cluster addresses', ['cidr', 'scope']);
  const ports = counted(nodePorts, 'Node ports', ['scope']);
  const times = createHistograms({
    name: `${ips}allocation_duration_seconds`,
    help: 'Time to find a cluster address.',
    labels: ['cidr'],
    bounds: usualBounds,
  });
  let usage: Parameters<AllocatorMetrics['follow']>[0] | undefined;

  const gauges = (): string => {
    if (!usage) return '';
    const networks = [...usage.addresses()];
    const ofPorts = usage.ports();
    const perNetwork = (value: (of: Usage) => number) =>
      networks.map(([cidr, of]) => ({ labels: { cidr }, value: value(of) }));
    const gauge = (name: string, help: string, samples: Family['samples']): Family => ({
      name,
      type: 'gauge',
      help,
      samples,
    });
    const single = (value: number) => [{ labels: {}, value }];
    return renderFamilies([
      gauge(
        `${ips}allocated_ips`,
        'Cluster addresses that Services have.',
        perNetwork((of) => of.taken),
      ),
      gauge(
        `${ips}available_ips`,
        'Cluster addresses that are left.',
        perNetwork((of) => of.free),
      ),
      gauge(`${nodePorts}allocated_ports`, 'Node ports that Services have.', single(ofPorts.taken)),
      gauge(`${nodePorts}available_ports`, 'Node ports that are left.', single(ofPorts.free)),
    ]);
  };
  return {
    address(cidr, scope, got, ms) {
      (got ? addresses.got : addresses.failed).count(cidr, scope);
      times.of(cidr).observe(ms / 1000);
    },
    port: (scope, got) => (got ? ports.got : ports.failed).count(scope),
    follow(given) {
      usage = given;
    },
    render: () =>
      [addresses.got, addresses.failed, times, ports.got, ports.failed].map((one) => one.render()).join('') + gauges(),
  };
}
