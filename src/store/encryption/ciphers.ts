import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { openSecretbox, sealSecretbox, secretboxNonce } from './secretbox.ts';

/** One key of one algorithm, in the form in which upstream stores what it seals. */
export interface Cipher {
  /** `place`: the key under which the value is stored; algorithms that can bind the value to it. */
  seal(value: Uint8Array, place: string): Buffer;
  /** Throws Error when this key has not sealed it. */
  open(sealed: Buffer, place: string): Buffer;
}

/** AES-CBC with PKCS#7: initial vector, then ciphertext. Detects no change of what it seals. */
export function aesCbc(key: Buffer): Cipher {
  const algorithm = `aes-${key.length * 8}-cbc`;
  return {
    seal(value) {
      const vector = randomBytes(16);
      const cipher = createCipheriv(algorithm, key, vector);
      return Buffer.concat([vector, cipher.update(value), cipher.final()]);
    },
    open(sealed) {
      if (sealed.length < 32 || sealed.length % 16 !== 0) throw new Error('its size is not one of AES-CBC');
      const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, 16));
      return Buffer.concat([decipher.update(sealed.subarray(16)), decipher.final()]);
    },
  };
}

const gcmNonce = 12;
const gcmTag = 16;

/** AES-GCM: nonce, ciphertext, tag; bound to its place. */
export function aesGcm(key: Buffer): Cipher {
  const algorithm = `aes-${key.length * 8}-gcm` as 'aes-256-gcm';
  return {
    seal(value, place) {
      const nonce = randomBytes(gcmNonce);
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(place));
      return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, place) {
      if (sealed.length < gcmNonce + gcmTag) throw new Error('it is too short for AES-GCM');
      const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, gcmNonce), { authTagLength: gcmTag });
      decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(-gcmTag));
      return Buffer.concat([decipher.update(sealed.subarray(gcmNonce, -gcmTag)), decipher.final()]);
    },
  };
}

const infoSize = 32;

/** AES-GCM with a key of its own for every value: HKDF-expand (SHA-256) of the seed by 32 random bytes, which stand first. */
export function aesGcmExtendedNonce(seed: Buffer): Cipher {
  const derived = (info: Buffer): Cipher =>
    aesGcm(createHmac('sha256', seed).update(info).update(Buffer.of(1)).digest());
  return {
    seal(value, place) {
      const info = randomBytes(infoSize);
      return Buffer.concat([info, derived(info).seal(value, place)]);
    },
    open: (sealed, place) => derived(sealed.subarray(0, infoSize)).open(sealed.subarray(infoSize), place),
  };
}

export function secretbox(key: Buffer): Cipher {
  return {
    seal(value) {
      const nonce = randomBytes(secretboxNonce);
      return Buffer.concat([nonce, sealSecretbox(value, nonce, key)]);
    },
    open(sealed) {
      const opened = openSecretbox(sealed.subarray(secretboxNonce), sealed.subarray(0, secretboxNonce), key);
      if (!opened) throw new Error('its tag does not fit');
      return opened;
    },
  };
}
