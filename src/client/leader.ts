import type { Lease } from '../api/gen/coordination-v1.ts';
import { leases } from '../api/gen/resources.ts';
import { microTimeText } from '../api/literals.ts';
import { isApiError } from '../api/status.ts';
import { delay } from '../base/abort.ts';
import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import { type Logger, silent } from '../base/log.ts';
import type { Client } from './client.ts';

export interface LeaderOptions {
  client: Client;
  namespace: string;
  name: string;
  identity: string;
  log?: Logger | undefined;
  /** Seconds; as upstream's 15, 10 and 2. */
  leaseDuration?: number;
  renewDeadline?: number;
  retryPeriod?: number;
  /** Called each time the lead is won; `lost` aborts when it is gone. */
  onLead(lost: AbortSignal): void;
}

/**
 *   waiting ──lease free or stale──▶ leading ──not renewed within the deadline──▶ waiting
 *
 * A lease is stale when its record has not changed for its duration as seen by this process's own clock.
 */
export function createLeaderElector(options: LeaderOptions): Component {
  const { client, namespace, name, identity, log = silent } = options;
  const { leaseDuration = 15, renewDeadline = 10, retryPeriod = 2 } = options;
  const lifetime = new AbortController();
  let seen: { version: string; at: number } | undefined;
  let leading: AbortController | undefined;
  let running: Promise<void> | undefined;

  /** One try to take or keep the lease: true when it is ours now. */
  const claim = async (): Promise<boolean> => {
    const now = Date.now();
    const time = microTimeText(new Date(now));
    const at = { namespace, signal: lifetime.signal };
    const mine = (old: Lease['spec']): Lease['spec'] => ({
      holderIdentity: identity,
      leaseDurationSeconds: leaseDuration,
      acquireTime: old?.holderIdentity === identity ? (old.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: (old?.leaseTransitions ?? 0) + (old && old.holderIdentity !== identity ? 1 : 0),
    });
    let lease: Lease;
    try {
      lease = await client.get(leases, name, at);
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
      await client.create(leases, { metadata: { name, namespace }, spec: mine(undefined) }, at);
      return true;
    }
    const version = lease.metadata.resourceVersion ?? '';
    if (seen?.version !== version) seen = { version, at: now };
    const held = Boolean(lease.spec?.holderIdentity) && lease.spec?.holderIdentity !== identity;
    if (held && now - seen.at < (lease.spec?.leaseDurationSeconds ?? leaseDuration) * 1000) return false;
    await client.update(leases, { ...lease, spec: mine(lease.spec) }, at);
    return true;
  };

  const loop = async (): Promise<void> => {
    let renewedAt = 0;
    while (!lifetime.signal.aborted) {
      let ours = false;
      try {
        ours = await claim();
      } catch (error) {
        if (!lifetime.signal.aborted) log.warn('the lead could not be claimed', { error: messageOf(error) });
        ours = leading !== undefined && Date.now() - renewedAt < renewDeadline * 1000;
        if (ours) {
          await delay(retryPeriod * 1000, lifetime.signal);
          continue;
        }
      }
      if (ours) renewedAt = Date.now();
      if (ours && !leading) {
        leading = new AbortController();
        options.onLead(leading.signal);
      } else if (!ours && leading) {
        leading.abort();
        leading = undefined;
      }
      await delay(retryPeriod * 1000, lifetime.signal);
    }
    leading?.abort();
  };

  return {
    name: `leader ${namespace}/${name}`,
    async start() {
      running ??= loop();
    },
    async stop() {
      lifetime.abort();
      await running;
    },
  };
}
