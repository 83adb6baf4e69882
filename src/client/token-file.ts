import { readFile } from 'node:fs/promises';

/** A bearer token kept in a file that somebody renews: read again when it is older than a minute. */
export function tokenFile(
  path: string,
  options: { now?: () => number; maxAgeMs?: number } = {},
): () => Promise<string> {
  const { now = Date.now, maxAgeMs = 60_000 } = options;
  let token = '';
  let readAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (now() - readAt < maxAgeMs) return token;
    token = (await readFile(path, 'utf8')).trim();
    readAt = now();
    return token;
  };
}
