import { createBackoff, delay } from '../../../src/base/abort.ts';
import { KnarrError, messageOf } from '../../../src/base/errors.ts';
import { sourceError, type UpdateSource } from './source.ts';

export interface HttpOptions {
  headers?: Readonly<Record<string, string>>;
  /** Headers for the rest, where a server no longer takes those that it was asked with: a token's time was over. */
  renew?: () => Promise<Readonly<Record<string, string>>>;
  /** How often in a row nothing more may come before it is given up. */
  patience?: number;
  retryMs?: number;
}

/** A server that says nothing for so long is asked again. */
const silenceMs = 60_000;

/** The bytes at a URL; where the connection is lost, the rest is asked for. Throws KnarrError `update-source`. */
export async function* download(url: string, options: HttpOptions = {}): AsyncGenerator<Uint8Array> {
  const { renew, patience = 5, retryMs = 1_000 } = options;
  let { headers = {} } = options;
  const backoff = createBackoff({ initialMs: retryMs, maxMs: 30_000 });
  let have = 0;
  let renewedAt: number | undefined;
  for (let failures = 0; ; ) {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error(`nothing came for ${silenceMs / 1000} s`)), silenceMs);
    const before = have;
    try {
      const range = have > 0 ? { range: `bytes=${have}-` } : {};
      const response = await fetch(url, { headers: { ...headers, ...range }, signal: silence.signal });
      // the end of the file was the last that came
      if (have > 0 && response.status === 416) return;
      if (response.status === 401 && renew !== undefined && renewedAt !== have) {
        await response.body?.cancel();
        renewedAt = have;
        headers = await renew();
        continue;
      }
      if (!response.ok) throw refused(url, response.status);
      let skip = response.status === 206 ? 0 : have;
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        const rest = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - rest.length;
        have += rest.length;
        if (rest.length > 0) yield rest;
      }
      return;
    } catch (error) {
      if (error instanceof KnarrError) throw error;
      if (have > before) failures = 0;
      failures++;
      const cause = (error as { cause?: unknown }).cause ?? error;
      if (failures >= patience) throw sourceError(`${url}: ${messageOf(cause)}`, error);
      await delay(backoff.next());
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Throws for what will not be better on another try; the others are tried again. */
function refused(url: string, status: number): Error {
  const message = `${url}: the server answered ${status}`;
  return status === 429 || status >= 500 ? new Error(message) : sourceError(message);
}

/** A folder on a web server with the update's files. */
export const httpSource = (url: string, options: HttpOptions = {}): UpdateSource => {
  const base = url.endsWith('/') ? url : `${url}/`;
  return {
    name: url,
    open: (name) => download(new URL(name, base).href, options),
    close: async () => {},
  };
};
