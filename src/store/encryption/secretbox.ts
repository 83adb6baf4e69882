import { timingSafeEqual } from 'node:crypto';

/** NaCl's secretbox (XSalsa20 and Poly1305), which neither Node nor OpenSSL has. */

export const secretboxNonce = 24;
const tagSize = 16;

/** Tag and ciphertext, without the nonce. */
export function sealSecretbox(message: Uint8Array, nonce: Uint8Array, key: Uint8Array): Buffer {
  const { stream, macKey } = xsalsa20(message.length, nonce, key);
  const sealed = Buffer.alloc(tagSize + message.length);
  for (let i = 0; i < message.length; i++) sealed[tagSize + i] = (message[i] as number) ^ (stream[32 + i] as number);
  sealed.set(poly1305(sealed.subarray(tagSize), macKey), 0);
  return sealed;
}

/** Undefined when it was not sealed with this key, or was changed since. */
export function openSecretbox(sealed: Uint8Array, nonce: Uint8Array, key: Uint8Array): Buffer | undefined {
  if (sealed.length < tagSize) return undefined;
  const text = sealed.subarray(tagSize);
  const { stream, macKey } = xsalsa20(text.length, nonce, key);
  if (!timingSafeEqual(poly1305(text, macKey), sealed.subarray(0, tagSize))) return undefined;
  const message = Buffer.alloc(text.length);
  for (let i = 0; i < text.length; i++) message[i] = (text[i] as number) ^ (stream[32 + i] as number);
  return message;
}

const sigma = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;

/** The first 32 bytes of the stream are the key of the tag. */
function xsalsa20(length: number, nonce: Uint8Array, key: Uint8Array): { stream: Uint8Array; macKey: Uint8Array } {
  const inner = rounds(stateOf(wordsOf(key), wordsOf(nonce.subarray(0, 16))));
  const subkey = [0, 5, 10, 15, 6, 7, 8, 9].map((i) => inner[i] as number);
  const rest = wordsOf(nonce.subarray(16, 24));
  const stream = new Uint8Array(Math.ceil((length + 32) / 64) * 64);
  const view = new DataView(stream.buffer);
  for (let at = 0, block = 0; at < stream.length; at += 64, block++) {
    const state = stateOf(subkey, [...rest, block, 0]);
    const mixed = rounds(state);
    for (let i = 0; i < 16; i++) view.setUint32(at + 4 * i, (mixed[i] as number) + (state[i] as number), true);
  }
  return { stream, macKey: stream.subarray(0, 32) };
}

function wordsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}

function stateOf(key: readonly number[], input: readonly number[]): Int32Array {
  const [a, b, c, d] = sigma;
  return Int32Array.from([a, ...key.slice(0, 4), b, ...input, c, ...key.slice(4, 8), d]);
}

/** The quarters of a double round: columns, then rows. */
const quarters = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const;

function rounds(from: Int32Array): Int32Array {
  const x = Int32Array.from(from);
  const step = (to: number, a: number, b: number, shift: number): void => {
    const sum = ((x[a] as number) + (x[b] as number)) | 0;
    x[to] = (x[to] as number) ^ ((sum << shift) | (sum >>> (32 - shift)));
  };
  for (let round = 0; round < 10; round++) {
    for (const [a, b, c, d] of quarters) {
      step(b, a, d, 7);
      step(c, b, a, 9);
      step(d, c, b, 13);
      step(a, d, c, 18);
    }
  }
  return x;
}

const limbs = 10;
const limbMask = 0x1fff;

/** Arithmetic modulo 2^130 − 5 in ten limbs of 13 bits, whose products a double holds exactly. */
function poly1305(message: Uint8Array, key: Uint8Array): Buffer {
  const clamped = Uint8Array.from(key.subarray(0, 16));
  for (const i of [3, 7, 11, 15]) clamped[i] = (clamped[i] as number) & 15;
  for (const i of [4, 8, 12]) clamped[i] = (clamped[i] as number) & 252;
  const r = limbsOf(clamped, 0, 16, 0);
  const h = new Float64Array(limbs);
  const product = new Float64Array(limbs);
  for (let at = 0; at < message.length; at += 16) {
    const block = limbsOf(message, at, Math.min(16, message.length - at), 1);
    for (let i = 0; i < limbs; i++) h[i] = (h[i] as number) + (block[i] as number);
    for (let i = 0; i < limbs; i++) {
      let sum = 0;
      for (let j = 0; j < limbs; j++)
        sum += (h[j] as number) * (j <= i ? (r[i - j] as number) : 5 * (r[i - j + limbs] as number));
      product[i] = sum;
    }
    carry(product, h);
  }
  return tagOf(h, key.subarray(16, 32));
}

function limbsOf(bytes: Uint8Array, at: number, length: number, end: 0 | 1): Float64Array {
  const result = new Float64Array(limbs);
  for (let i = 0; i < limbs; i++) {
    const bit = 13 * i;
    const first = bit >> 3;
    let word = 0;
    for (let j = 0; j < 3; j++) {
      const index = first + j;
      const byte = index < length ? (bytes[at + index] as number) : index === length ? end : 0;
      word |= byte << (8 * j);
    }
    result[i] = (word >> (bit & 7)) & limbMask;
  }
  return result;
}

function carry(from: Float64Array, to: Float64Array): void {
  let over = 0;
  for (let i = 0; i < limbs; i++) {
    const sum = (from[i] as number) + over;
    over = Math.floor(sum / 8192);
    to[i] = sum - over * 8192;
  }
  to[0] = (to[0] as number) + over * 5;
  over = Math.floor((to[0] as number) / 8192);
  to[0] = (to[0] as number) - over * 8192;
  to[1] = (to[1] as number) + over;
}

function tagOf(h: Float64Array, pad: Uint8Array): Buffer {
  let value = 0n;
  for (let i = limbs - 1; i >= 0; i--) value = (value << 13n) + BigInt(h[i] as number);
  value %= (1n << 130n) - 5n;
  for (let i = 0; i < tagSize; i++) value += BigInt(pad[i] as number) << BigInt(8 * i);
  const tag = Buffer.alloc(tagSize);
  for (let i = 0; i < tagSize; i++, value >>= 8n) tag[i] = Number(value & 0xffn);
  return tag;
}
