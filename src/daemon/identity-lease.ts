import { randomUUID } from 'node:crypto';
import { leases } from '../api/gen/resources.ts';
import { identityOf } from '../apiserver/identity.ts';
import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import { createLeaseKeeper } from '../client/lease.ts';

const namespace = 'kube-system';
const labels = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' };
const durationSeconds = 3600;
const renewEveryMs = 10_000;
const lookEveryMs = 3_600_000;

/** The lease that says that this API server is there, and the end of those that nobody renews. */
export function createIdentityLease(options: {
  client: Client;
  hostname: string;
  /** Where other servers would reach this one: `host:port`. */
  address: string;
  log: Logger;
}): Component {
  const { client, hostname, address, log } = options;
  const name = identityOf(hostname);
  const keeper = createLeaseKeeper({
    client,
    namespace,
    name,
    holder: `${name}_${randomUUID()}`,
    durationSeconds,
    renewEveryMs,
    marks: {
      labels: { ...labels, 'kubernetes.io/hostname': hostname },
      annotations: { 'kubernetes.io/peer-advertise-address': address },
    },
    log,
  });
  let timer: NodeJS.Timeout | undefined;

  const removeExpired = async (): Promise<void> => {
    const labelSelector = Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    for (const { metadata, spec } of (await client.list(leases, { namespace, labelSelector })).items) {
      const until = Date.parse(spec?.renewTime ?? '') + (spec?.leaseDurationSeconds ?? 0) * 1000;
      if (Number.isNaN(until) || until >= Date.now()) continue;
      await client.delete(leases, metadata.name ?? '', { namespace, preconditions: { uid: metadata.uid } });
    }
  };
  const look = (): void => {
    removeExpired().catch((error: unknown) => {
      log.warn('leases of API servers that are gone are not removed', { error: messageOf(error) });
    });
  };

  return {
    name: 'identity lease',
    async start() {
      await keeper.start();
      look();
      timer = setInterval(look, lookEveryMs);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      await keeper.stop();
    },
  };
}
