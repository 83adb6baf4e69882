import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Client, credentials } from '@grpc/grpc-js';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { aesGcm, aesGcmExtendedNonce, type Cipher } from './ciphers.ts';
import {
  type Annotations,
  decodeMessage,
  decodeObject,
  type EncryptedObject,
  encodeMessage,
  encodeObject,
  sourceIsKey,
  sourceIsSeed,
} from './kms-messages.ts';
import type { Opened, Sealer } from './transformer.ts';

export interface KmsOptions {
  /** The provider's name in the configuration. */
  name: string;
  /** Path of the plug-in's unix socket. */
  socket: string;
  timeoutMs: number;
  log: Logger;
  /** How often the plug-in is asked for the key that it seals with; default one minute (ten seconds while it is ill). */
  pollMs?: number;
}

export interface Kms extends Sealer {
  /** Asks for the first key; rejects when the plug-in does not give one. */
  start(): Promise<void>;
  stop(): void;
  /** Whether the plug-in is well, as of a few seconds ago at the most; rejects with why not. */
  check(): Promise<void>;
}

/** For how long the answer to `check` counts: a good one, and a bad one. */
const wellMs = 20_000;
const illMs = 3_000;

/** How long the last key may still seal after the plug-in was last well. */
const usableMs = 3 * 60_000;
const illPollMs = 10_000;
const mostKeyId = 1024;
const mostSource = 1024;

interface Current {
  readonly cipher: Cipher;
  readonly sealed: Omit<EncryptedObject, 'encrypted_data'>;
  readonly until: number;
}

/**
 * A KMS v2 plug-in: it seals one seed for many values, so it is asked once per key and start, not once per value. The
 * seed's sealed form stands in every value.
 */
export function createKms(options: KmsOptions): Kms {
  const { name, timeoutMs, log, pollMs = 60_000 } = options;
  const client = new Client(`unix:${options.socket}`, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
  });
  const ciphers = new Map<string, Cipher | Promise<Cipher>>();
  let current: Current | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const call = <T>(method: 'Status' | 'Encrypt' | 'Decrypt', request: object): Promise<T> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        `/v2.KeyManagementService/${method}`,
        (value: object) => encodeMessage(`${method}Request`, value),
        (bytes: Buffer) => decodeMessage(`${method}Response`, bytes),
        request,
        { deadline: Date.now() + timeoutMs },
        (error, answer) => {
          if (error) reject(new Error(`KMS plug-in ${name}: ${method}: ${error.details || error.message}`));
          else resolve(answer as T);
        },
      );
    });

  /** Learns which key the plug-in seals with, and has a new seed sealed when that is another one. */
  const refresh = async (): Promise<void> => {
    const status = await call<{ version: string; healthz: string; key_id: string }>('Status', {});
    if (status.healthz !== 'ok') throw new Error(`KMS plug-in ${name} says that it is not well: ${status.healthz}`);
    if (status.version !== 'v2' && status.version !== 'v2beta1')
      throw new Error(`KMS plug-in ${name} speaks ${status.version}, not v2`);
    const until = Date.now() + usableMs;
    if (current && current.sealed.key_id === status.key_id) {
      current = { ...current, until };
      return;
    }
    const seed = randomBytes(32);
    const answer = await call<{ ciphertext: Buffer; key_id: string; annotations: Annotations }>('Encrypt', {
      plaintext: seed,
      uid: randomUUID(),
    });
    const { ciphertext, key_id, annotations } = answer;
    if (key_id === '' || key_id.length > mostKeyId)
      throw new Error(`KMS plug-in ${name}: its key id has ${key_id.length} bytes`);
    if (ciphertext.length === 0 || ciphertext.length > mostSource)
      throw new Error(`KMS plug-in ${name}: the sealed seed has ${ciphertext.length} bytes`);
    const sealed = {
      key_id,
      encrypted_dek_source: ciphertext,
      annotations,
      encrypted_dek_source_type: sourceIsSeed,
    };
    const cipher = aesGcmExtendedNonce(seed);
    ciphers.set(sourceOf(sealed), cipher);
    current = { cipher, sealed, until };
  };

  let checked: { until: number; problem: unknown } | undefined;
  const check = async (): Promise<void> => {
    if (!checked || Date.now() > checked.until) {
      try {
        await refresh();
        checked = { until: Date.now() + wellMs, problem: undefined };
      } catch (error) {
        checked = { until: Date.now() + illMs, problem: error };
      }
    }
    if (checked.problem) throw checked.problem;
  };

  const poll = async (): Promise<void> => {
    let next = pollMs;
    try {
      await refresh();
    } catch (error) {
      if (stopped) return;
      log.warn('the key service does not answer; the last key is used on for a while', { error: messageOf(error) });
      next = Math.min(illPollMs, pollMs);
    }
    if (stopped) return;
    timer = setTimeout(() => void poll(), next);
    timer.unref();
  };

  const cipherOf = (object: EncryptedObject): Cipher | Promise<Cipher> => {
    const source = sourceOf(object);
    const known = ciphers.get(source);
    if (known) return known;
    const asking = call<{ plaintext: Buffer }>('Decrypt', {
      ciphertext: object.encrypted_dek_source,
      uid: randomUUID(),
      key_id: object.key_id,
      annotations: object.annotations,
    }).then(
      ({ plaintext }) => {
        const make = object.encrypted_dek_source_type === sourceIsKey ? aesGcm : aesGcmExtendedNonce;
        const cipher = make(plaintext);
        ciphers.set(source, cipher);
        return cipher;
      },
      (error: unknown) => {
        ciphers.delete(source);
        throw error;
      },
    );
    ciphers.set(source, asking);
    return asking;
  };

  const labelOf = (keyId: string): string => `kms:${name}:${keyId}`;

  return {
    prefix: `k8s:enc:kms:v2:${name}:`,
    label: () => labelOf(current?.sealed.key_id ?? ''),
    check,
    async start() {
      await refresh();
      timer = setTimeout(() => void poll(), pollMs);
      timer.unref();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      client.close();
    },
    seal(value, place) {
      if (!current || Date.now() > current.until) {
        const message = `KMS plug-in ${name} has not been well for three minutes; nothing can be encrypted until it is.`;
        throw new KnarrError({ code: 'encryption-kms', blame: 'world', message });
      }
      return encodeObject({ ...current.sealed, encrypted_data: current.cipher.seal(value, place) });
    },
    open(sealed, place) {
      const object = decodeObject(sealed);
      const opened = (cipher: Cipher): Opened => ({
        value: cipher.open(object.encrypted_data, place),
        label: labelOf(object.key_id),
      });
      const cipher = cipherOf(object);
      return cipher instanceof Promise ? cipher.then(opened) : opened(cipher);
    },
  };
}

/** A short name of a sealed seed and all that is needed to open it. */
function sourceOf(object: Omit<EncryptedObject, 'encrypted_data'>): string {
  const { encrypted_dek_source_type: type, encrypted_dek_source: source, key_id, annotations } = object;
  const notes = Object.keys(annotations)
    .sort()
    .map((name) => [name, Buffer.from(annotations[name] ?? '').toString('base64')]);
  const text = JSON.stringify([type, Buffer.from(source).toString('base64'), key_id, notes]);
  return createHash('sha256').update(text).digest('base64');
}
