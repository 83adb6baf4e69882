import { KnarrError } from '../../base/errors.ts';

/**
 * What goes through a tunnel: one binary WebSocket message is one frame,
 *
 *   byte 0      kind
 *   bytes 1–4   stream, big-endian; chosen by the side that opens it
 *   the rest    payload
 *
 *   open    → the target as JSON {"host","port"}; the other side answers opened, or reset with the reason as text
 *   data    → bytes; at most as many as the receiver has granted and not yet seen
 *   window  → four bytes: so many more bytes may be sent; both sides start with `initialWindow`
 *   end     → no more data from this side
 *   reset   → the stream is dead in both directions; the reason as text
 */
export const kinds = ['open', 'opened', 'data', 'window', 'end', 'reset'] as const;
export type Kind = (typeof kinds)[number];

export interface Frame {
  readonly kind: Kind;
  readonly stream: number;
  readonly payload: Buffer;
}

export const initialWindow = 256 * 1024;
/** Longer data is cut, so that streams take turns. */
export const maxPayload = 32 * 1024;

const none = Buffer.alloc(0);

export function encodeFrame(kind: Kind, stream: number, payload: Uint8Array = none): Buffer {
  const frame = Buffer.allocUnsafe(5 + payload.length);
  frame[0] = kinds.indexOf(kind);
  frame.writeUInt32BE(stream, 1);
  frame.set(payload, 5);
  return frame;
}

/** Throws KnarrError `malformed-frame`: the tunnel is then closed. */
export function decodeFrame(message: Buffer): Frame {
  const kind = kinds[message[0] ?? kinds.length];
  if (kind === undefined || message.length < 5)
    throw new KnarrError({ code: 'malformed-frame', blame: 'world', message: 'the tunnel carried a malformed frame' });
  return { kind, stream: message.readUInt32BE(1), payload: message.subarray(5) };
}

export function windowPayload(bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(bytes);
  return payload;
}
