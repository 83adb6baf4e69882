import { KnarrError, messageOf } from '../../base/errors.ts';

/** A version as an image's tag can be. */
export const asTag = (version: string): string => version.replaceAll('+', '-');

/**
 * The version that a channel has now: the last part of where its URL leads to, or, when it leads nowhere else, of the
 * URL itself. Throws KnarrError `channel`.
 */
export async function resolveChannel(url: string, latest: string | undefined, signal: AbortSignal): Promise<string> {
  const last = (location: string): string => new URL(location, url).pathname.split('/').filter(Boolean).at(-1) ?? '';
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
      headers: latest === undefined ? {} : { 'x-suc-latest-version': latest },
    });
    await response.body?.cancel();
    const location = response.headers.get('location');
    const leadsTo = response.status === 302 && location !== null ? location : response.ok ? url : undefined;
    if (leadsTo === undefined) throw new Error(`unexpected response: ${response.status}`);
    if (last(leadsTo) === '') throw new Error(`it leads to ${leadsTo}`);
    return asTag(last(leadsTo));
  } catch (error) {
    throw new KnarrError({
      code: 'channel',
      blame: 'world',
      message: `the channel ${url} gives no version: ${messageOf((error as { cause?: unknown }).cause ?? error)}`,
      cause: error,
    });
  }
}
