import protobuf from 'protobufjs';
import descriptor from '../facts/kms-v2.json' with { type: 'json' };

/** The messages of a KMS v2 plug-in, and the one in which a value is stored. */

const service = protobuf.Root.fromJSON(descriptor as protobuf.INamespace);
const storage = protobuf.Root.fromJSON({
  nested: {
    EncryptedObject: {
      fields: {
        encrypted_data: { type: 'bytes', id: 1 },
        key_id: { type: 'string', id: 2 },
        encrypted_dek_source: { type: 'bytes', id: 3 },
        annotations: { keyType: 'string', type: 'bytes', id: 4 },
        encrypted_dek_source_type: { type: 'uint32', id: 5 },
      },
    },
  },
} as protobuf.INamespace);

export type Annotations = Record<string, Buffer>;

/** `encrypted_dek_source_type`: what the decrypted source is. */
export const sourceIsKey = 0;
export const sourceIsSeed = 1;

export interface EncryptedObject {
  encrypted_data: Buffer;
  key_id: string;
  encrypted_dek_source: Buffer;
  annotations: Annotations;
  encrypted_dek_source_type: number;
}

const defaults = { arrays: true, objects: true, defaults: true };

function encoded(type: protobuf.Type, value: object): Buffer {
  return Buffer.from(type.encode(type.fromObject(value as Record<string, unknown>)).finish());
}

export function encodeMessage(name: string, value: object): Buffer {
  return encoded(service.lookupType(`v2.${name}`), value);
}

export function decodeMessage(name: string, bytes: Uint8Array): object {
  const type = service.lookupType(`v2.${name}`);
  return type.toObject(type.decode(bytes), defaults);
}

export const encodeObject = (object: EncryptedObject): Buffer => encoded(storage.lookupType('EncryptedObject'), object);

export function decodeObject(bytes: Uint8Array): EncryptedObject {
  const type = storage.lookupType('EncryptedObject');
  return type.toObject(type.decode(bytes), defaults) as EncryptedObject;
}
