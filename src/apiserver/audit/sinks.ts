import type { Logger } from '../../base/log.ts';
import { createBlockingAuditWebhook } from './blocking-webhook.ts';
import { type AuditSink, createLogFile, type LogFileOptions } from './log-file.ts';
import { createTruncating } from './truncate.ts';
import { type AuditWebhookOptions, createAuditWebhook } from './webhook.ts';

/** Events of more bytes are cut; undefined: none is. */
interface CutEvents {
  largestEvent?: number | undefined;
}

/** Where events go. */
export interface SinkSettings {
  log?: (Omit<LogFileOptions, 'log'> & CutEvents) | undefined;
  webhook?: (AuditWebhookOptions & CutEvents) | undefined;
}

function createWebhook(options: AuditWebhookOptions & { log: Logger }): AuditSink {
  const { mode = 'batch', kubeconfig, log } = options;
  if (mode === 'batch') return createAuditWebhook(options);
  return createBlockingAuditWebhook({ kubeconfig, strict: mode === 'blocking-strict', log });
}

export function createSinks(settings: SinkSettings, log: Logger): AuditSink[] {
  const made = <T extends CutEvents>(options: T | undefined, create: (options: T & { log: Logger }) => AuditSink) => {
    if (!options) return [];
    const sink = create({ ...options, log });
    const most = options.largestEvent;
    return [most === undefined ? sink : createTruncating(sink, { most, log })];
  };
  return [...made(settings.log, createLogFile), ...made(settings.webhook, createWebhook)];
}
