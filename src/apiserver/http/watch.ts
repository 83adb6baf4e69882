import { type ApiError, isApiError } from '../../api/status.ts';
import { protobufFrame } from '../../wire/watch-frames.ts';
import type { Answer, Call } from '../handlers/call.ts';
import type { Watch, WatchEvent } from '../registry/types.ts';
import { baseHeaders, endpointOf } from './answer.ts';
import { encodeObject } from './encode.ts';
import { type Exchange, headerOf, type ResponseWriter } from './exchange.ts';
import { type MediaType, negotiateStream } from './negotiate.ts';
import type { OpenWatches } from './open-watches.ts';
import { columnTexts } from './transform.ts';
import { frameMaker } from './watch-frames.ts';
import { windowOf } from './watch-window.ts';

/** A watcher that is this many bytes behind is cut off: it will come back with its last resourceVersion. */
const mostBehind = 32 * 1024 * 1024;

type WatchAnswer = Extract<Answer, { kind: 'watch' }>;

/** Answers a watch: one frame per event until the time is over, the client goes, or the registry ends it. */
export async function serveWatch(
  exchange: Exchange,
  call: Call,
  answer: WatchAnswer,
  openWatches: OpenWatches,
): Promise<void> {
  const type = negotiateStream(
    headerOf(exchange.headers, 'accept'),
    endpointOf(answer.store, { verb: 'watch', subresource: '' }),
  );
  const framesOf = frameMaker(type, call, answer.store, await columnTexts(type, answer.store));
  const window = windowOf(answer.store.definition);
  let pending: (readonly WatchEvent[])[] = [];
  let writer: ResponseWriter | undefined;
  let watch: Watch | undefined;
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  let forget: (() => void) | undefined;

  const watched = openWatches.metrics.watched(call.info);
  let listing = answer.options.sendInitialEvents === true;
  const count = (events: readonly WatchEvent[]): void => {
    watched.sent(events);
    if (!listing || !events.some(({ type: kind }) => kind === 'BOOKMARK')) return;
    listing = false;
    watched.listed();
  };
  const flush = (): void => {
    if (!writer || pending.length === 0) return;
    const batches = pending;
    pending = [];
    try {
      writer.write(framesOf(batches));
    } catch {
      // Upstream ends a watch, too, with an event that cannot be told.
      finish();
      return;
    }
    if (writer.buffered > mostBehind) finish();
  };
  const finish = (): void => {
    if (over) return;
    over = true;
    flush();
    clearTimeout(timer);
    forget?.();
    watch?.stop();
    writer?.end();
  };

  const open = (): void => {
    const contentType = type.encoding === 'protobuf' ? `${type.type};stream=watch` : type.type;
    writer = exchange.open(200, baseHeaders(contentType, call.warnings));
    flush();
  };

  exchange.onClose(() => {
    writer = undefined;
    finish();
  });
  try {
    watch = await answer.store.watch(answer.options, {
      onEvents(events) {
        if (over || events.length === 0) return;
        pending.push(events);
        count(events);
        if (writer) window.add(flush);
      },
      onClose: finish,
    });
  } catch (error) {
    if (!isApiError(error, 'Expired')) throw error;
    // A revision that is gone is told inside the stream, where reflectors look for it.
    open();
    (writer as unknown as ResponseWriter).write(errorFrame(type, error));
    finish();
    return;
  }
  if (over && !writer && pending.length === 0) {
    watch.stop();
    return;
  }
  open();
  if (over) {
    watch.stop();
    (writer as unknown as ResponseWriter).end();
    return;
  }
  forget = openWatches.add(finish);
  timer = setTimeout(finish, answer.timeoutMs);
  timer.unref();
}

function errorFrame(type: MediaType, error: ApiError): Buffer | string {
  const encoded = encodeObject(type, error.status);
  if (type.encoding === 'protobuf' && Buffer.isBuffer(encoded.body)) return protobufFrame('ERROR', encoded.body);
  return `${JSON.stringify({ type: 'ERROR', object: error.status })}\n`;
}
