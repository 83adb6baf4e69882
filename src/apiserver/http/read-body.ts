import type { Readable } from 'node:stream';
import { badRequest, entityTooLarge } from '../../api/status.ts';

const empty = Buffer.alloc(0);

/** Collects a stream up to `limit` bytes. */
export function readBody(stream: Readable, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        stream.removeAllListeners('data');
        stream.resume();
        reject(entityTooLarge(`Request entity too large: limit is ${limit}`));
        return;
      }
      chunks.push(chunk);
    });
    stream.once('end', () =>
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : chunks.length === 0 ? empty : Buffer.concat(chunks, size)),
    );
    stream.once('error', (error) => reject(badRequest(`unable to read the request body: ${error.message}`)));
    stream.once('close', () => {
      if (!stream.readableEnded) reject(badRequest('the request ended before its body was complete'));
    });
  });
}
