import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Host } from '../host.ts';
import { fetchHttp, type Http } from './http.ts';

/** What a page says to a request: its text, or a status and a text. */
export type Page =
  | string
  | ((request: IncomingMessage, body: string) => string | readonly [status: number, text: string]);

/** For tests: a cloud, by what it answers to a method and a whole URL as the machine names it; anything else is 404. */
export async function cloud(
  t: TestContext,
  pages: Readonly<Record<string, Page>>,
): Promise<{ http: Http; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = `${request.method === 'GET' ? '' : `${request.method} `}${request.headers['x-origin']}${request.url}`;
    asked.push(name);
    const page = pages[name];
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      const answer = typeof page === 'function' ? page(request, body) : page;
      const [status, text] = typeof answer === 'string' ? [200, answer] : (answer ?? [404, 'not found']);
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http: Http = (url, given) => {
    const { localPorts, headers, ...rest } = given ?? {};
    const { origin } = new URL(url);
    const from = String(localPorts?.[0] ?? 40_000);
    const told = { ...headers, 'x-origin': origin, 'x-from-port': from };
    return fetchHttp(url.replace(origin, base), { ...rest, headers: told });
  };
  return { http, asked };
}

/** For tests: a machine that is a folder with these files. */
export async function folder(
  t: TestContext,
  files: Record<string, string | Buffer>,
  run: Host['run'] = async () => ({ code: 0, stdout: '', stderr: '' }),
): Promise<Host> {
  const root = await mkdtemp(join(tmpdir(), 'knarr-source-'));
  t.after(() => rm(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return { path: (path) => join(root, path), run };
}
