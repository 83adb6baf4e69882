import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

/** A new ECDSA key on P-256. */
export async function generateKey(): Promise<KeyObject> {
  return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
}

/** A new RSA key: service-account tokens are signed with RS256 by default, as everywhere. */
export async function generateRsaKey(modulusLength = 2048): Promise<KeyObject> {
  return (await generate('rsa', { modulusLength })).privateKey;
}

/** PEM in the form that Go's tools write: SEC 1 for EC keys, PKCS#1 for RSA keys. */
export const keyToPem = (key: KeyObject): string =>
  key.export({ format: 'pem', type: key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1' }).toString();

/** Reads a private key in SEC 1, PKCS#1 or PKCS#8 form. */
export const keyFromPem = (pem: string): KeyObject => createPrivateKey(pem);

/** SubjectPublicKeyInfo of the public half. */
export const publicKeyInfo = (key: KeyObject): Buffer =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'der', type: 'spki' });
