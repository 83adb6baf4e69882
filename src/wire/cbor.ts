import { Encoder } from 'cbor-x';

/** `application/cbor`: self-described CBOR, maps with text keys. */
const codec = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false });
const selfDescribed = Buffer.from([0xd9, 0xd9, 0xf7]);

export function encodeCbor(value: unknown): Buffer {
  return Buffer.concat([selfDescribed, codec.encode(value)]);
}

/** Throws on damaged bytes. */
export function decodeCbor(bytes: Uint8Array): unknown {
  return codec.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
