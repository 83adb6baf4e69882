import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Cipher } from './ciphers.ts';

/** What a stored value was, and what it was sealed with. */
export interface Opened {
  readonly value: Buffer;
  readonly label: string;
}

/** One way to store values, told from the others by what they begin with. */
export interface Sealer {
  /** `k8s:enc:aescbc:v1:key1:`; '' for values that are stored as they are. */
  readonly prefix: string;
  /** Names the key that seals now; values with another label are stale. */
  label(): string;
  /** Both without the prefix. */
  seal(value: Buffer, place: string): Buffer;
  /** A promise only where a key service has to be asked. */
  open(sealed: Buffer, place: string): Opened | Promise<Opened>;
}

/** How the values of one resource are stored: written with the first sealer, read with any. */
export interface Transformer {
  label(): string;
  seal(value: Buffer, place: string): Buffer;
  /** Throws (or rejects with) KnarrError `encryption-key`, which names the key. */
  open(stored: Buffer, place: string): Opened | Promise<Opened>;
}

/** Objects are stored as JSON: nothing else of theirs begins like this. */
export const looksSealed = (value: Buffer): boolean => value.subarray(0, 8).toString('latin1') === 'k8s:enc:';

/** Values as they are; what looks sealed is refused, so that nobody takes it for the value. */
export const identity: Sealer = {
  prefix: '',
  label: () => 'identity',
  seal: (value) => value,
  open(sealed) {
    if (looksSealed(sealed)) throw new Error('no key is given for it');
    return { value: sealed, label: 'identity' };
  },
};

export function keySealer(prefix: string, cipher: Cipher): Sealer {
  return {
    prefix,
    label: () => prefix,
    seal: (value, place) => cipher.seal(value, place),
    open: (sealed, place) => ({ value: cipher.open(sealed, place), label: prefix }),
  };
}

export function transformerOf(sealers: readonly Sealer[]): Transformer {
  const [first = identity] = sealers;
  const open = (stored: Buffer, place: string, from: number, why: string): Opened | Promise<Opened> => {
    for (let i = from; i < sealers.length; i++) {
      const sealer = sealers[i] as Sealer;
      const { prefix } = sealer;
      if (stored.subarray(0, prefix.length).toString('latin1') !== prefix) continue;
      try {
        const opened = sealer.open(stored.subarray(prefix.length), place);
        if (!(opened instanceof Promise)) return opened;
        return opened.catch((error: unknown) => open(stored, place, i + 1, messageOf(error)));
      } catch (error) {
        // Two providers may have keys of one name: the next may fit.
        if (prefix !== '') why = messageOf(error);
      }
    }
    throw cannotOpen(stored, place, why);
  };
  return {
    label: () => first.label(),
    seal: (value, place) => Buffer.concat([Buffer.from(first.prefix, 'latin1'), first.seal(value, place)]),
    open: (stored, place) => open(stored, place, 0, ''),
  };
}

function cannotOpen(stored: Buffer, place: string, why: string): KnarrError {
  const [, provider = '', key = ''] = /^k8s:enc:([a-z]+):v\d:([^:]*):/.exec(stored.toString('latin1', 0, 512)) ?? [];
  const details = { place, provider, key };
  const named = key === '' ? 'a provider that is unknown here' : `key ${JSON.stringify(key)} of provider ${provider}`;
  const message =
    why === ''
      ? `${place} is stored with ${named}, which the encryption configuration does not have; put it back into the configuration.`
      : `${place} is stored with ${named}, which does not open it: the secret of that key is another one, or the value is damaged (${why}).`;
  return new KnarrError({ code: 'encryption-key', blame: 'user', message, details });
}
