import { type ApiError, isApiError } from '../../api/status.ts';
import { protobufFrame } from '../../wire/watch-frames.ts';
import type { Answer, Call } from '../handlers/call.ts';
import type { Watch, WatchEvent } from '../registry/types.ts';
import { baseHeaders, speaksProtobuf } from './answer.ts';
import { encodeObject } from './encode.ts';
import { type Exchange, headerOf } from './exchange.ts';
import { type MediaType, negotiate } from './negotiate.ts';
import type { OpenWatches } from './open-watches.ts';
import { type ColumnTexts, columnTexts, transformObject, transformQuery } from './transform.ts';

/** A watcher that is this many bytes behind is cut off: it will come back with its last resourceVersion. */
const mostBehind = 32 * 1024 * 1024;

type WatchAnswer = Extract<Answer, { kind: 'watch' }>;

/** Turns events into frames of the form that was asked for. */
function frameMaker(
  type: MediaType,
  call: Call,
  answer: WatchAnswer,
  texts: ColumnTexts,
): (event: WatchEvent) => Buffer | string {
  if (type.encoding === 'json' && type.as === '') return (event) => event.frame;
  const query = transformQuery(call.query);
  let first = true;
  const formOf = (event: WatchEvent): object => {
    const { object } = event.stored;
    if (type.as === '' || event.type === 'ERROR') return object;
    const form = transformObject(type, answer.store, object, { query, texts, noHeaders: !first });
    if (event.type !== 'BOOKMARK') first = false;
    return form;
  };
  if (type.encoding === 'protobuf' && type.as === '') {
    return (event) => {
      const encoded = encodeObject(type, event.stored.object);
      return protobufFrame(event.type, encoded.body as Buffer);
    };
  }
  if (type.encoding === 'protobuf') {
    return (event) => protobufFrame(event.type, encodeObject(type, formOf(event)).body as Buffer);
  }
  return (event) => `${JSON.stringify({ type: event.type, object: formOf(event) })}\n`;
}

/** Answers a watch: one frame per event until the time is over, the client goes, or the registry ends it. */
export async function serveWatch(
  exchange: Exchange,
  call: Call,
  answer: WatchAnswer,
  openWatches: OpenWatches,
): Promise<void> {
  const type = negotiate(headerOf(exchange.headers, 'accept'), {
    protobuf: speaksProtobuf(answer.store),
    transform: true,
  });
  const makeFrame = frameMaker(type, call, answer, await columnTexts(type, answer.store));
  const pending: (Buffer | string)[] = [];
  let writer: ReturnType<Exchange['open']> | undefined;
  let watch: Watch | undefined;
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  let forget: (() => void) | undefined;

  const finish = (): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    forget?.();
    watch?.stop();
    writer?.end();
  };
  const write = (frame: Buffer | string): void => {
    if (!writer) {
      pending.push(frame);
      return;
    }
    writer.write(frame);
  };

  const open = (): void => {
    const suffix = type.encoding === 'yaml' ? '' : ';stream=watch';
    const contentType = type.encoding === 'protobuf' ? `${type.type}${suffix}` : type.type;
    writer = exchange.open(200, baseHeaders(contentType, call.warnings));
    for (const frame of pending) writer.write(frame);
    pending.length = 0;
  };

  exchange.onClose(() => {
    writer = undefined;
    finish();
  });
  try {
    watch = await answer.store.watch(answer.options, {
      onEvents(events) {
        if (over) return;
        if (events.length === 1) write(makeFrame(events[0] as WatchEvent));
        else write(joined(events.map(makeFrame)));
        if (writer && writer.buffered > mostBehind) finish();
      },
      onClose: finish,
    });
  } catch (error) {
    if (!isApiError(error, 'Expired')) throw error;
    // A revision that is gone is told inside the stream, where reflectors look for it.
    open();
    write(errorFrame(type, error));
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
    (writer as unknown as ReturnType<Exchange['open']>).end();
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

const joined = (frames: (Buffer | string)[]): Buffer | string =>
  frames.every((frame) => typeof frame === 'string')
    ? frames.join('')
    : Buffer.concat(frames.map((frame) => (typeof frame === 'string' ? Buffer.from(frame) : frame)));
