import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflateRaw } from 'node:zlib';

const largest = 8 * 1024 * 1024;
const decoders: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  '': async (bytes) => bytes,
  gzip: async (bytes) => promisify(gunzip)(bytes, { maxOutputLength: largest }),
  deflate: async (bytes) => promisify(inflateRaw)(bytes, { maxOutputLength: largest }),
};

/** Whether the answer is a page of HTML, packed in a way that is known here. */
export function isPage({ headers }: IncomingMessage): boolean {
  const type = headers['content-type']?.split(';')[0]?.trim();
  return type === 'text/html' && Object.hasOwn(decoders, headers['content-encoding'] ?? '');
}

/** A page, unpacked; or, where it is larger than 8 MiB, as much as was read of it: the rest is still to come. */
export type Page = { whole: true; text: Buffer } | { whole: false; begun: Buffer };

export async function readPage(answer: IncomingMessage): Promise<Page> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer.iterator({ destroyOnReturn: false })) {
    parts.push(part as Buffer);
    size += (part as Buffer).length;
    if (size > largest) return { whole: false, begun: Buffer.concat(parts) };
  }
  const decode = decoders[answer.headers['content-encoding'] ?? ''] ?? (async (bytes) => bytes);
  return { whole: true, text: await decode(Buffer.concat(parts)) };
}
