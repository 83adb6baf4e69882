import type { Readable } from 'node:stream';

/** What a stream says, as text. Rejects with what goes wrong, and when it says more than `limit` bytes. */
export async function boundedText(stream: Readable, limit: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limit) stream.destroy(new Error('the answer is too large'));
    else chunks.push(chunk);
  });
  stream.on('error', reject);
  stream.on('end', () => resolve(Buffer.concat(chunks).toString()));
  return promise;
}
