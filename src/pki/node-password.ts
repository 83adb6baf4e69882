import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** Cost 2^15, block size 8, one lane, 64 bytes. */
const cost = { log2n: 15, r: 8, p: 1, length: 64 };

const derive = (password: string, salt: Buffer, c: typeof cost): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const n = 2 ** c.log2n;
    scrypt(password, salt, c.length, { N: n, r: c.r, p: c.p, maxmem: 256 * n * c.r }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });

/** `$1:<salt>:<log2 N>:<r>:<p>:<hash>`, kept in the Secret `<node>.node-password.k3s` under `hash`. */
export async function hashNodePassword(password: string): Promise<string> {
  const salt = randomBytes(8);
  const hash = await derive(password, salt, cost);
  return `$1:${salt.toString('hex')}:${cost.log2n}:${cost.r}:${cost.p}:${hash.toString('base64').replace(/=+$/, '')}`;
}

/** Whether `password` is the one that `stored` was made of; false for a form that is not known. */
export async function verifyNodePassword(password: string, stored: string): Promise<boolean> {
  const match = /^\$1:([0-9a-f]+):(\d+):(\d+):(\d+):([A-Za-z0-9+/]+)$/.exec(stored);
  if (match === null) return false;
  const [, salt = '', log2n, r, p, hash = ''] = match;
  const expected = Buffer.from(hash, 'base64');
  if (Number(log2n) > 20 || Number(r) > 32 || Number(p) > 16 || expected.length === 0) return false;
  const actual = await derive(password, Buffer.from(salt, 'hex'), {
    log2n: Number(log2n),
    r: Number(r),
    p: Number(p),
    length: expected.length,
  });
  return timingSafeEqual(actual, expected);
}
