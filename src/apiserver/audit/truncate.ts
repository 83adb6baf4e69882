import type { Logger } from '../../base/log.ts';
import type { AuditSink } from './log-file.ts';

const annotation = 'audit.k8s.io/truncated';

/** An event of at most `most` bytes: without what was sent and answered where it is larger; undefined: that does not help. */
export function truncated(line: string, most: number): string | undefined {
  if (Buffer.byteLength(line) <= most) return line;
  const { requestObject: _request, responseObject: _response, ...event } = JSON.parse(line);
  const cut = `${JSON.stringify({ ...event, annotations: { ...event.annotations, [annotation]: 'true' } })}\n`;
  return Buffer.byteLength(cut) <= most ? cut : undefined;
}

/** Hands events on that are no larger than `most` bytes. Upstream: `apiserver/plugin/pkg/audit/truncate`. */
export function createTruncating(sink: AuditSink, options: { most: number; log: Logger }): AuditSink {
  const { most, log } = options;
  return {
    strict: sink.strict ?? false,
    start: () => sink.start?.() ?? Promise.resolve(),
    flush: () => sink.flush(),
    write(line) {
      const cut = truncated(line, most);
      if (cut !== undefined) return sink.write(cut);
      log.error('an audit event is lost: it is too large even without its objects', { most });
      return undefined;
    },
  };
}
