import { deflateRawSync, inflateRawSync, constants as zlib } from 'node:zlib';

/**
 * SPDY/3.1 frames (the draft's section 2.6) as far as remote command streams need them: SYN_STREAM, SYN_REPLY,
 * RST_STREAM, PING, GOAWAY, HEADERS and data. Flow control windows are read over: the peers here (Kubernetes' and the
 * container runtimes' streaming servers) do not use them and lean on TCP.
 */
export type SpdyFrame =
  | { type: 'syn-stream'; streamId: number; fin: boolean; headers: SpdyHeaders }
  | { type: 'syn-reply'; streamId: number; fin: boolean; headers: SpdyHeaders }
  | { type: 'headers'; streamId: number; fin: boolean; headers: SpdyHeaders }
  | { type: 'data'; streamId: number; fin: boolean; data: Buffer }
  | { type: 'rst-stream'; streamId: number; status: number }
  | { type: 'ping'; id: number }
  | { type: 'goaway'; lastStreamId: number; status: number }
  | { type: 'ignored'; kind: number };

/** Names are lower case on the wire and here; a name with several values has them in order. */
export type SpdyHeaders = Readonly<Record<string, string | readonly string[]>>;

const controlTypes = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goaway: 7, headers: 8 } as const;
const maxFrame = 1 << 24;

/** The compression dictionary of SPDY/3: words with their lengths, then text. */
const dictionaryWords =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin'
    .split(' ')
    .map((word) => word.replace('_', ' '));
const dictionaryText = [
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505',
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized',
  '403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable',
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT',
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,',
  'publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.',
].join('');

export const spdyDictionary: Buffer = Buffer.concat([
  ...dictionaryWords.flatMap((word) => [uint32(word.length), Buffer.from(word)]),
  Buffer.from(dictionaryText),
]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

const windowSize = 32_768;
/** The most that a block of headers may unfold to: a small block can hold gigabytes of zeros. */
const maxHeaderBlock = 1 << 20;

/** The checksum by which a zlib stream names its dictionary (RFC 1950). */
function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return ((b << 16) | a) >>> 0;
}

const zlibHeader = Buffer.concat([Buffer.from([0x78, 0xbb]), uint32(adler32(spdyDictionary))]);

/**
 * All header blocks of one direction are one zlib stream, flushed at the end of each block. Every block is worked on by
 * itself here, with the last 32 KiB of what came before as its dictionary: the same stream, with no state but that text.
 */
function createHeaderStream() {
  let window = spdyDictionary;
  let first = true;
  const remember = (text: Buffer): void => {
    window = Buffer.concat([window, text]).subarray(-windowSize);
  };
  const options = () => ({ dictionary: window, finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: maxHeaderBlock });
  return {
    compress(text: Buffer): Buffer {
      const block = deflateRawSync(text, options());
      remember(text);
      const whole = first ? Buffer.concat([zlibHeader, block]) : block;
      first = false;
      return whole;
    },
    decompress(block: Buffer): Buffer {
      const raw = first ? block.subarray(zlibHeader.length) : block;
      first = false;
      const text = inflateRawSync(raw, options());
      remember(text);
      return text;
    },
  };
}

function headerText(headers: SpdyHeaders): Buffer {
  const entries = Object.entries(headers);
  const parts = [uint32(entries.length)];
  for (const [name, value] of entries) {
    const text = Buffer.from(typeof value === 'string' ? value : value.join('\0'));
    parts.push(uint32(Buffer.byteLength(name)), Buffer.from(name.toLowerCase()), uint32(text.length), text);
  }
  return Buffer.concat(parts);
}

function parseHeaders(block: Buffer): SpdyHeaders {
  const result: Record<string, string | readonly string[]> = {};
  let at = 4;
  const take = (): string => {
    const length = block.readUInt32BE(at);
    const text = block.toString('utf8', at + 4, at + 4 + length);
    at += 4 + length;
    return text;
  };
  for (let left = block.readUInt32BE(0); left > 0; left--) {
    const name = take();
    const value = take();
    result[name] = value.includes('\0') ? value.split('\0') : value;
  }
  return result;
}

export interface SpdyCodec {
  encode(frame: Exclude<SpdyFrame, { type: 'ignored' }>): Buffer;
  /** The frames completed by these bytes. Throws RangeError on bytes that are no SPDY/3.1. */
  feed(bytes: Buffer): SpdyFrame[];
}

/** One direction's compression state belongs to one connection: a codec serves exactly one. */
export function createSpdyCodec(): SpdyCodec {
  const outgoing = createHeaderStream();
  const incoming = createHeaderStream();
  let pending: Buffer = Buffer.alloc(0);

  const control = (type: number, flags: number, payload: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(0x8003, 0);
    head.writeUInt16BE(type, 2);
    head.writeUInt32BE(((flags & 0xff) << 24) | payload.length, 4);
    return Buffer.concat([head, payload]);
  };
  const compress = (headers: SpdyHeaders): Buffer => outgoing.compress(headerText(headers));
  const decompress = (block: Buffer): SpdyHeaders => parseHeaders(incoming.decompress(block));

  const decodeControl = (type: number, flags: number, payload: Buffer): SpdyFrame => {
    const streamId = payload.length >= 4 ? payload.readUInt32BE(0) & 0x7fffffff : 0;
    const fin = (flags & 1) !== 0;
    switch (type) {
      case controlTypes.synStream:
        return { type: 'syn-stream', streamId, fin, headers: decompress(payload.subarray(10)) };
      case controlTypes.synReply:
        return { type: 'syn-reply', streamId, fin, headers: decompress(payload.subarray(4)) };
      case controlTypes.headers:
        return { type: 'headers', streamId, fin, headers: decompress(payload.subarray(4)) };
      case controlTypes.rstStream:
        return { type: 'rst-stream', streamId, status: payload.readUInt32BE(4) };
      case controlTypes.ping:
        return { type: 'ping', id: payload.readUInt32BE(0) };
      case controlTypes.goaway:
        return { type: 'goaway', lastStreamId: streamId, status: payload.length >= 8 ? payload.readUInt32BE(4) : 0 };
      default:
        return { type: 'ignored', kind: type };
    }
  };

  return {
    encode(frame) {
      switch (frame.type) {
        case 'syn-stream':
          return control(
            controlTypes.synStream,
            frame.fin ? 1 : 0,
            Buffer.concat([uint32(frame.streamId), uint32(0), Buffer.alloc(2), compress(frame.headers)]),
          );
        case 'syn-reply':
        case 'headers':
          return control(
            frame.type === 'headers' ? controlTypes.headers : controlTypes.synReply,
            frame.fin ? 1 : 0,
            Buffer.concat([uint32(frame.streamId), compress(frame.headers)]),
          );
        case 'rst-stream':
          return control(controlTypes.rstStream, 0, Buffer.concat([uint32(frame.streamId), uint32(frame.status)]));
        case 'ping':
          return control(controlTypes.ping, 0, uint32(frame.id));
        case 'goaway':
          return control(controlTypes.goaway, 0, Buffer.concat([uint32(frame.lastStreamId), uint32(frame.status)]));
        case 'data': {
          if (frame.data.length >= maxFrame) throw new RangeError('a SPDY data frame holds less than 16 MiB');
          const head = Buffer.concat([uint32(frame.streamId), uint32(((frame.fin ? 1 : 0) << 24) | frame.data.length)]);
          return Buffer.concat([head, frame.data]);
        }
      }
    },
    feed(bytes) {
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
      const frames: SpdyFrame[] = [];
      while (pending.length >= 8) {
        const length = pending.readUInt32BE(4) & 0xffffff;
        if (pending.length < 8 + length) break;
        const flags = pending[4] ?? 0;
        const payload = pending.subarray(8, 8 + length);
        const first = pending.readUInt32BE(0);
        if (first >>> 31 === 0)
          frames.push({ type: 'data', streamId: first & 0x7fffffff, fin: (flags & 1) !== 0, data: payload });
        else if (first >>> 16 === 0x8003) frames.push(decodeControl(first & 0xffff, flags, payload));
        else throw new RangeError(`not a SPDY/3.1 frame: ${first.toString(16)}`);
        pending = pending.subarray(8 + length);
      }
      return frames;
    },
  };
}
