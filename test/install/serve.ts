import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';

/** A web server with the files of a folder, which remembers what it was asked for. */
export async function serve(folder: string): Promise<{ base: string; asked(): string[]; close(): Promise<void> }> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const name = basename(request.url ?? '');
    asked.push(name);
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    if (!info?.isFile()) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': info.size });
    createReadStream(path).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
