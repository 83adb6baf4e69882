import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { aesCbc, aesGcm, aesGcmExtendedNonce, type Cipher, secretbox } from './ciphers.ts';
import { openSecretbox, sealSecretbox } from './secretbox.ts';

const sequence = (length: number, start: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (start + i * 7) & 255));
const key = sequence(32, 1);
const place = '/registry/core/secrets/default/s';
const plain = '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"},"data":{"a":"Yg=="}}';

/** Sealed with the same key and place by Go's own libraries. */
const sealedByGo: [name: string, cipher: Cipher, hex: string][] = [
  [
    'aescbc',
    aesCbc(key),
    '050c131a21282f363d444b525960676ede5113822b3809e275496c29f7a5f9750d4e3c9582ecabf9e77163d57b919b54673ae8ccfeed0fba5c978e673f14628a06c87d1c2ebb8258865b4077d73e1f26095b53c95e49e9112b3c7a54138e9c14',
  ],
  [
    'aesgcm',
    aesGcm(key),
    '030a11181f262d343b424950c03a778bf5f50e8255f826a2493ed462f0ab77abf9d74ab1ae08e382a2af7fa6dd05b00be7eca08f34c03be95aaa0bd0302df948601f01f6c4b7cb6b23052a40c1f6e1bd91fd68c01973601cdab172b325d2708a39bf7159843af003904b0c',
  ],
  [
    'secretbox',
    secretbox(key),
    '0910171e252c333a41484f565d646b727980878e959ca3aa58a31e370d2543260a4e3a4da151fe4ce2ea9fc4ad425df5507ba01e897d7fc96706066dc1f1264ad45b8d525066be581827582e6df568d6dde90b3aeb1df7afaac55857673d59e3e77a8e6424155ac5b31bab089f0c4763fa6945d10019d4',
  ],
  [
    'aesgcm with an extended nonce',
    aesGcmExtendedNonce(key),
    '4d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f26030a11181f262d343b42495037b849abcc109c2a8590ded2aa6c002f7d1f41c36599e62890592ff97da617867b5d33d552513dddb3100349c6758ddb3860a5e7a269831243c1ae8d32fb98aabc4647d56013c710c54993f345537114ecaddf49ce6febd25631989652678c',
  ],
];

describe('ciphers', () => {
  for (const [name, cipher, hex] of sealedByGo) {
    it(`${name} opens what others sealed, and what it seals`, () => {
      assert.equal(cipher.open(Buffer.from(hex, 'hex'), place).toString(), plain);
      for (const text of ['', 'x', plain, 'a'.repeat(100_000)])
        assert.equal(cipher.open(cipher.seal(Buffer.from(text), place), place).toString(), text);
      assert.notDeepEqual(cipher.seal(Buffer.from(plain), place), cipher.seal(Buffer.from(plain), place));
      assert.throws(() => cipher.open(Buffer.from('short'), place));
    });
  }

  it('see that a value was changed or moved, where the algorithm can', () => {
    const sealed = Buffer.from(sealedByGo[1]?.[2] ?? '', 'hex');
    assert.throws(() => aesGcm(key).open(sealed, `${place}2`));
    for (const [, cipher, hex] of sealedByGo.slice(1)) {
      const changed = Buffer.from(hex, 'hex');
      changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
      assert.throws(() => cipher.open(changed, place));
    }
  });

  it('secretbox seals long values as NaCl does', () => {
    const long = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * i) & 255));
    const sealed = sealSecretbox(long, sequence(24, 9), key);
    const digest = createHash('sha256').update(sealed).digest('hex');
    assert.equal(digest, '35c537a11d3b5645a3a583bd84a0705d5d6d84dc2f60cd9b788d7536b3b41443');
    assert.deepEqual(openSecretbox(sealed, sequence(24, 9), key), long);
  });
});
