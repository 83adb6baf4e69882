import { protobufFrame } from '../../wire/watch-frames.ts';
import type { Call } from '../handlers/call.ts';
import type { ResourceStore, WatchEvent } from '../registry/types.ts';
import { jsonFrames } from '../registry/watch-events.ts';
import { encodeObject } from './encode.ts';
import type { MediaType } from './negotiate.ts';
import { type ColumnTexts, transformObject, transformQuery } from './transform.ts';

/** Batches of events, as a watch was given them. */
export type Batches = readonly (readonly WatchEvent[])[];

/** Events as bytes of one form. */
export type FrameMaker = (batches: Batches) => Buffer | string;

/** Makes bytes once for all watchers that were given the very same batches. */
function shared(make: (batches: Batches) => Buffer): FrameMaker {
  const known = new WeakMap<readonly WatchEvent[], { first: readonly WatchEvent[]; count: number; bytes: Buffer }>();
  return (batches) => {
    const first = batches[0] as readonly WatchEvent[];
    const last = batches[batches.length - 1] as readonly WatchEvent[];
    const found = known.get(last);
    if (found?.first === first && found.count === batches.length) return found.bytes;
    const bytes = make(batches);
    known.set(last, { first, count: batches.length, bytes });
    return bytes;
  };
}

const plainJson = shared(jsonFrames);

const protobufOf = new WeakMap<WatchEvent, Buffer>();

function protobufEvent(event: WatchEvent, type: MediaType): Buffer {
  let frame = protobufOf.get(event);
  if (!frame) {
    frame = protobufFrame(event.type, encodeObject(type, event.stored.object).body as Buffer);
    protobufOf.set(event, frame);
  }
  return frame;
}

const plainProtobuf = new Map<string, FrameMaker>();

function protobufMaker(type: MediaType): FrameMaker {
  let made = plainProtobuf.get(type.type);
  if (!made) {
    made = shared((batches) => {
      const frames = batches.flatMap((events) => events.map((event) => protobufEvent(event, type)));
      return frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames);
    });
    plainProtobuf.set(type.type, made);
  }
  return made;
}

/** Turns events into frames of the form that was asked for; the frames throw where an event has no such form. */
export function frameMaker(type: MediaType, call: Call, store: ResourceStore, texts: ColumnTexts): FrameMaker {
  if (type.encoding === 'json' && type.as === '') return plainJson;
  if (type.encoding === 'protobuf' && type.as === '') return protobufMaker(type);
  const query = transformQuery(call.query);
  let first = true;
  const formOf = (event: WatchEvent): object => {
    const { object } = event.stored;
    if (type.as === '' || event.type === 'ERROR') return object;
    const form = transformObject(type, store, object, { query, texts, noHeaders: !first });
    if (event.type !== 'BOOKMARK') first = false;
    return form;
  };
  if (type.encoding === 'protobuf')
    return (batches) =>
      Buffer.concat(
        batches.flatMap((events) =>
          events.map((event) => protobufFrame(event.type, encodeObject(type, formOf(event)).body as Buffer)),
        ),
      );
  return (batches) =>
    batches
      .flatMap((events) => events.map((event) => `${JSON.stringify({ type: event.type, object: formOf(event) })}\n`))
      .join('');
}
