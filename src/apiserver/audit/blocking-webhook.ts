import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { openRemoteService, type RemoteService } from '../remote/service.ts';
import type { AuditSink } from './log-file.ts';
import { eventList, webhookPatienceMs } from './webhook.ts';

/** Sends each event by itself; requests wait until the webhook has it or has failed at it. */
export function createBlockingAuditWebhook(options: { kubeconfig: string; strict: boolean; log: Logger }): AuditSink {
  const { kubeconfig, strict, log } = options;
  let service: RemoteService | undefined;
  const sending = new Set<Promise<boolean>>();

  const send = async (line: string): Promise<boolean> => {
    try {
      await service?.post(eventList([line]));
      return true;
    } catch (error) {
      log.error('an audit event is lost: the webhook does not take it', { error: messageOf(error) });
      return false;
    }
  };
  return {
    strict,
    async start() {
      service = await openRemoteService({ kubeconfig, timeoutMs: webhookPatienceMs });
    },
    write(line) {
      const sent = send(line).finally(() => sending.delete(sent));
      sending.add(sent);
      return sent;
    },
    async flush() {
      await Promise.all(sending);
      service?.close();
    },
  };
}
