import { createHash } from 'node:crypto';

const letters = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648, in lower case and without padding. */
function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => letters[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

/** The name by which other API servers know this one: the same for the life of the machine's name. */
export function identityOf(hostname: string): string {
  const parts = [hostname, 'kube-apiserver'].map((text) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(Buffer.byteLength(text));
    return Buffer.concat([length, Buffer.from(text)]);
  });
  const hash = createHash('sha256').update(Buffer.concat(parts)).digest();
  return `apiserver-${base32(hash.subarray(0, 16))}`;
}
