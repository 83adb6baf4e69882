import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** `/logs/…`: files and folders below the node's log folder. Nothing outside of it, links included. */
export async function serveNodeLogs(root: string, path: string, response: ServerResponse): Promise<void> {
  const deny = (status: number): void => {
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(status === 404 ? '404 page not found\n' : 'forbidden\n');
  };
  const wanted = resolve(root, `./${decodeURIComponent(path)}`);
  const real = await realpath(wanted).catch(() => undefined);
  if (real === undefined) return deny(404);
  const top = await realpath(root);
  if (real !== top && !real.startsWith(`${top}/`)) return deny(403);
  const info = await stat(real);
  if (info.isDirectory()) {
    const entries = await readdir(real, { withFileTypes: true });
    const names = entries.map((e) => (e.isDirectory() ? `${e.name}/` : e.name)).sort();
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end(`<pre>\n${names.map((n) => `<a href="${encodeURI(n)}">${n}</a>`).join('\n')}\n</pre>\n`);
    return;
  }
  if (!info.isFile()) return deny(403);
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
  await pipeline(createReadStream(real), response);
}
