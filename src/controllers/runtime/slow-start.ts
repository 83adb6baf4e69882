/**
 * Calls `act` `count` times in batches of 1, 2, 4, …: what fails always fails once, not a thousand times.
 * Resolves with how many went well and the first failure, after which no new batch was begun.
 */
export async function slowStart(
  count: number,
  act: (index: number) => Promise<void>,
): Promise<{ done: number; error?: unknown }> {
  let begun = 0;
  let done = 0;
  for (let size = Math.min(1, count); size > 0; size = Math.min(2 * size, count - begun)) {
    const first = begun;
    begun += size;
    const results = await Promise.allSettled(Array.from({ length: size }, (_, i) => act(first + i)));
    done += results.filter((r) => r.status === 'fulfilled').length;
    const failed = results.find((r) => r.status === 'rejected');
    if (failed) return { done, error: failed.reason };
  }
  return { done };
}
