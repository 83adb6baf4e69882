import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { openRemoteService, type RemoteService } from '../remote/service.ts';
import type { AuditSink } from './log-file.ts';

export const auditModes = ['batch', 'blocking', 'blocking-strict'] as const;
export type AuditMode = (typeof auditModes)[number];

export interface AuditWebhookOptions {
  kubeconfig: string;
  /** Whether requests wait for the webhook, and fail when it does not take that they have come. Default `batch`. */
  mode?: AuditMode | undefined;
  /** How long events are gathered, and how many at the most are sent at once. Default 30 s and 400. */
  maxWaitMs?: number | undefined;
  maxBatch?: number | undefined;
  /** Events that may wait; more are lost, and said to be. Default 10,000. */
  buffer?: number | undefined;
}

export const webhookPatienceMs = 30_000;

/** What is sent of events that were written as lines. */
export function eventList(lines: readonly string[]): object {
  const items = lines.map((line) => {
    const { kind: _kind, apiVersion: _version, ...event } = JSON.parse(line);
    return event;
  });
  return { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items };
}

/** Sends events as `EventList`s, gathered for a while. A list that cannot be sent is lost, as with upstream's batches. */
export function createAuditWebhook(options: AuditWebhookOptions & { log: Logger }): AuditSink {
  const { kubeconfig, maxWaitMs = 30_000, maxBatch = 400, buffer = 10_000, log } = options;
  let service: RemoteService | undefined;
  const waiting: string[] = [];
  let lost = 0;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;

  const sendBatch = async (): Promise<void> => {
    const batch = waiting.splice(0, maxBatch);
    lost = 0;
    try {
      await service?.post(eventList(batch));
    } catch (error) {
      log.error('audit events are lost: the webhook does not take them', {
        events: batch.length,
        error: messageOf(error),
      });
    }
  };
  const sendWhile = async (wanted: () => boolean): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    do await sendBatch();
    while (wanted());
    sending = undefined;
    soon();
  };
  const soon = (): void => {
    if (waiting.length === 0 || sending) return;
    if (waiting.length >= maxBatch) sending = sendWhile(() => waiting.length >= maxBatch);
    else
      timer ??= setTimeout(() => {
        timer = undefined;
        sending ??= sendWhile(() => waiting.length >= maxBatch);
      }, maxWaitMs).unref();
  };

  return {
    async start() {
      service = await openRemoteService({ kubeconfig, timeoutMs: webhookPatienceMs });
    },
    write(line) {
      if (waiting.length >= buffer) {
        if (lost++ === 0) log.error('audit events are lost: the webhook does not keep up', { buffer });
        return undefined;
      }
      waiting.push(line);
      soon();
      return undefined;
    },
    async flush() {
      await sending;
      while (waiting.length > 0) await sendBatch();
      clearTimeout(timer);
      service?.close();
    },
  };
}
