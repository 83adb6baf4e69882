import type { Service } from '../api/gen/core-v1.ts';
import { services } from '../api/gen/resources.ts';
import { isApiError } from '../api/status.ts';
import { createBackoff, delay } from '../base/abort.ts';
import { ipFamily } from '../base/cidr.ts';
import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import type { DnsServiceOptions } from './options.ts';

const namespace = 'kube-system';
const name = 'kube-dns';

/** The Service as K3s has it, without a selector: every node answers on its address by itself. */
export function dnsService(clusterDns: readonly string[]): Service {
  const families = clusterDns.map((ip) => (ipFamily(ip) === 6 ? 'IPv6' : 'IPv4'));
  return {
    metadata: {
      name,
      namespace,
      labels: {
        'k8s-app': 'kube-dns',
        'kubernetes.io/cluster-service': 'true',
        'kubernetes.io/name': 'CoreDNS',
      },
      annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterDns[0],
      clusterIPs: [...clusterDns],
      ipFamilies: families,
      ipFamilyPolicy: clusterDns.length > 1 ? 'PreferDualStack' : 'SingleStack',
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        { name: 'metrics', port: 9153, protocol: 'TCP' },
      ],
    },
  };
}

/** Makes the cluster's DNS Service and makes it again when someone deletes it. One that is there is left as it is. */
export function createDnsService(options: DnsServiceOptions): Component {
  const { client, informers, clusterDns, log } = options;
  const informer = informers.informer(services);
  const lifetime = new AbortController();
  let off: (() => void) | undefined;
  let running: Promise<void> | undefined;

  const ensure = async (): Promise<void> => {
    const backoff = createBackoff({ initialMs: 200, maxMs: 10_000 });
    while (!lifetime.signal.aborted && informer.get(name, namespace) === undefined) {
      try {
        await client.create(services, dnsService(clusterDns), { namespace });
        break;
      } catch (error) {
        if (isApiError(error, 'AlreadyExists')) break;
        // The namespace comes into being a moment after the API.
        if (!isApiError(error, 'NotFound')) log.warn('the DNS service could not be made', { error: messageOf(error) });
        await delay(backoff.next(), lifetime.signal);
      }
    }
    running = undefined;
  };
  const trigger = (): void => {
    running ??= Promise.resolve().then(ensure);
  };

  return {
    name: 'dns-service',
    async start() {
      await informer.synced;
      off = informer.addHandler({
        delete: (service) => {
          if (service.metadata.name === name && service.metadata.namespace === namespace) trigger();
        },
      });
      trigger();
    },
    async stop() {
      off?.();
      lifetime.abort();
      await running;
    },
  };
}
