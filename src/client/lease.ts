import type { Lease } from '../api/gen/coordination-v1.ts';
import type { ObjectMeta, OwnerReference } from '../api/gen/meta-v1.ts';
import { leases } from '../api/gen/resources.ts';
import { microTimeText } from '../api/literals.ts';
import { isApiError } from '../api/status.ts';
import { createBackoff, delay } from '../base/abort.ts';
import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import { type Logger, silent } from '../base/log.ts';
import type { Client } from './client.ts';

export interface LeaseKeeperOptions {
  client: Client;
  namespace: string;
  name: string;
  holder: string;
  /** After this many seconds without a renewal others take the holder for gone. */
  durationSeconds: number;
  /** Default: a quarter of the duration. */
  renewEveryMs?: number;
  /** Asked until it answers; the lease then goes with its owner. */
  owner?: (() => OwnerReference | undefined) | undefined;
  /** Told after each round: renewed or not. */
  onRenewed?: ((error?: Error) => void) | undefined;
  /** What the lease gets beside its name when it is made, and again when it is renewed. */
  marks?: Pick<ObjectMeta, 'labels' | 'annotations'> | undefined;
  log?: Logger | undefined;
}

/** Keeps one lease fresh as its only holder: a node's heartbeat. `start` resolves once the first renewal was tried. */
export function createLeaseKeeper(options: LeaseKeeperOptions): Component {
  const { client, namespace, name, holder, durationSeconds, log = silent } = options;
  const renewEveryMs = options.renewEveryMs ?? (durationSeconds * 1000) / 4;
  const lifetime = new AbortController();
  const backoff = createBackoff({ initialMs: 200, maxMs: Math.min(7000, renewEveryMs) });
  let last: Lease | undefined;
  let running: Promise<void> | undefined;

  const filled = (base: Lease): Lease => {
    const owner = options.owner?.();
    return {
      ...base,
      metadata: {
        ...base.metadata,
        ...options.marks,
        ...(owner && !base.metadata.ownerReferences ? { ownerReferences: [owner] } : {}),
      },
      spec: {
        ...base.spec,
        holderIdentity: holder,
        leaseDurationSeconds: durationSeconds,
        renewTime: microTimeText(new Date()),
      },
    };
  };

  const renew = async (): Promise<void> => {
    const at = { namespace, signal: lifetime.signal };
    try {
      last ??= await client.get(leases, name, at);
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
      last = await client.create(leases, filled({ metadata: { name, namespace } }), at);
      return;
    }
    try {
      last = await client.update(leases, filled(last), at);
    } catch (error) {
      last = undefined; // what is there is looked at again before the next try
      throw error;
    }
  };

  const once = async (): Promise<boolean> => {
    try {
      await renew();
      backoff.reset();
      options.onRenewed?.();
      return true;
    } catch (error) {
      if (lifetime.signal.aborted) return false;
      log.warn('the lease could not be renewed', { lease: `${namespace}/${name}`, error: messageOf(error) });
      options.onRenewed?.(error as Error);
      return false;
    }
  };

  const loop = async (first: boolean): Promise<void> => {
    let good = first;
    while (!lifetime.signal.aborted) {
      await delay(good ? renewEveryMs * (1 + Math.random() * 0.04) : backoff.next(), lifetime.signal);
      if (!lifetime.signal.aborted) good = await once();
    }
  };

  return {
    name: `lease ${namespace}/${name}`,
    async start() {
      const good = await once();
      running = loop(good);
    },
    async stop() {
      lifetime.abort();
      await running;
    },
  };
}
