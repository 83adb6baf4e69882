import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { writeTar } from '../../../src/wire/tar.ts';
import { download } from './http.ts';
import { openSource } from './open.ts';
import { parseReference } from './registry.ts';
import { readSmall, type UpdateSource } from './source.ts';

const files: Record<string, Buffer> = {
  'manifest.json': Buffer.from('{"a":1}\n'),
  'manifest.json.sig': Buffer.from('c2ln\n'),
  'root.img': Buffer.alloc(300_000, 'root'),
};
const tar = writeTar(Object.entries(files).map(([path, data]) => ({ type: 'file', path: `./update/${path}`, data })));
const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

let folder: string;
const options = (): { arch: string; scratch: string; registries: string } => ({
  arch: 'amd64',
  scratch: join(folder, 'scratch'),
  registries: join(folder, 'registries.yaml'),
});

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'knarr-sources-'));
  await mkdir(join(folder, 'plain'));
  for (const [name, data] of Object.entries(files)) await writeFile(join(folder, 'plain', name), data);
  await writeFile(join(folder, 'update.tar'), tar);
});
after(() => rm(folder, { recursive: true }));

/** The whole of it can be read, and nothing of it stays behind. */
async function holdsAll(source: UpdateSource): Promise<void> {
  for (const [name, data] of Object.entries(files)) assert.deepStrictEqual(await readSmall(source, name), data, name);
  await assert.rejects(readSmall(source, 'other'), { code: 'update-source' });
  await source.close();
  assert.deepStrictEqual(await readdir(join(folder, 'scratch')).catch(() => []), []);
}

async function serving(listener: RequestListener, work: (base: string) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const all = async (data: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> => {
  const parts: Uint8Array[] = [];
  for await (const part of data) parts.push(part);
  return parts;
};
const nameOf = (request: IncomingMessage): string => (request.url ?? '').split('/').at(-1) ?? '';
const give = (response: ServerResponse, data: Uint8Array | undefined, headers = {}): void =>
  void response.writeHead(data === undefined ? 404 : 200, headers).end(data);

test('a folder', async () => holdsAll(await openSource(join(folder, 'plain'), options())));
test('a tar file', async () => holdsAll(await openSource(join(folder, 'update.tar'), options())));

test('a folder and a tar file of a web server', () =>
  serving(
    (request, response) => give(response, nameOf(request) === 'update.tar' ? tar : files[nameOf(request)]),
    async (host) => {
      await holdsAll(await openSource(`http://${host}/v2`, options()));
      await holdsAll(await openSource(`http://${host}/update.tar`, options()));
    },
  ));

test('a download goes on where its connection was lost, with and without ranges; then it gives up', async () => {
  const whole = files['root.img'] ?? Buffer.alloc(0);
  for (const ranges of [true, false]) {
    const asked: (string | undefined)[] = [];
    await serving(
      (request, response) => {
        const from = ranges ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
        asked.push(request.headers.range);
        response.writeHead(from > 0 ? 206 : 200, { 'content-length': whole.length - from });
        if (asked.length > 3) response.end(whole.subarray(from));
        else
          response.write(whole.subarray(from, 100_000 * asked.length), () => setTimeout(() => response.destroy(), 20));
      },
      async (host) => {
        const parts = await all(download(`http://${host}/`, { retryMs: 1 }));
        assert.ok(Buffer.concat(parts).equals(whole));
        assert.equal(asked[0], undefined);
        assert.match(asked[1] ?? '', /^bytes=\d+-$/);
      },
    );
  }
  let tries = 0;
  await serving(
    (_, response) => {
      tries++;
      response.writeHead(503).end();
    },
    async (host) => {
      await assert.rejects(all(download(`http://${host}/x`, { retryMs: 1, patience: 3 })), /answered 503/);
      assert.equal(tries, 3);
    },
  );
});

/** Descriptors and blobs of an image: each file a layer, or all in one compressed archive. */
function image(form: 'titles' | 'archive'): { manifest: Buffer; blobs: Map<string, Buffer> } {
  const blobs = new Map<string, Buffer>();
  const add = (data: Buffer, more: object): object => {
    blobs.set(digestOf(data), data);
    return { digest: digestOf(data), size: data.length, ...more };
  };
  const layers =
    form === 'titles'
      ? Object.entries(files).map(([title, data]) =>
          add(data, { annotations: { 'org.opencontainers.image.title': title } }),
        )
      : [add(gzipSync(tar), { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' })];
  return { manifest: Buffer.from(JSON.stringify({ schemaVersion: 2, layers })), blobs };
}

for (const form of ['titles', 'archive'] as const) {
  test(`an image layout, the files as ${form}`, async () => {
    const layout = join(folder, `layout-${form}`);
    const { manifest, blobs } = image(form);
    await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
    await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    for (const data of [manifest, ...blobs.values()])
      await writeFile(join(layout, 'blobs', digestOf(data).replace(':', '/')), data);
    const platform = { architecture: 'amd64', os: 'linux' };
    const annotations = { 'org.opencontainers.image.ref.name': 'v2' };
    const manifests = [
      { digest: `sha256:${'0'.repeat(64)}`, platform: { ...platform, architecture: 'arm64' }, annotations },
      { digest: digestOf(manifest), platform, annotations },
    ];
    await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    await holdsAll(await openSource(layout, options()));
    await holdsAll(await openSource(`oci:${layout}:v2`, options()));
    await assert.rejects(openSource(`oci:${layout}:v3`, options()), { code: 'update-source' });
  });

  test(`an image of a registry that wants a token, the files as ${form}`, () => {
    const { manifest, blobs } = image(form);
    const asked = new Set<string>();
    return serving(
      (request, response) => {
        const { host = '', authorization } = request.headers;
        const path = request.url ?? '';
        if (path.startsWith('/token')) {
          asked.add(`${path} ${authorization}`);
          return give(response, Buffer.from('{"token":"t0"}'));
        }
        if (authorization !== 'Bearer t0')
          return void response
            .writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token",service="s"` })
            .end();
        if (path === '/v2/knarr/update/manifests/v2') return give(response, manifest);
        give(response, blobs.get(path.replace('/v2/knarr/update/blobs/', '')));
      },
      async (host) => {
        await writeFile(
          join(folder, 'registries.yaml'),
          `configs:\n  "${host}":\n    auth: {username: me, password: secret}\n`,
        );
        await holdsAll(await openSource(`oci+http://${host}/knarr/update:v2`, options()));
        const basic = Buffer.from('me:secret').toString('base64');
        assert.deepStrictEqual(
          [...asked],
          [`/token?service=s&scope=repository%3Aknarr%2Fupdate%3Apull Basic ${basic}`],
        );
        await assert.rejects(openSource(`oci+http://${host}/knarr/update:v9`, options()), /answered 404/);
      },
    );
  });
}

test('a token whose time is over is asked for anew', () => {
  const { manifest, blobs } = image('titles');
  let token = 0;
  return serving(
    (request, response) => {
      const path = request.url ?? '';
      if (path.startsWith('/token')) return give(response, Buffer.from(JSON.stringify({ token: `t${++token}` })));
      if (request.headers.authorization !== `Bearer t${token}`)
        return void response
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token",service="s"` })
          .end();
      give(response, path.includes('/manifests/') ? manifest : blobs.get(path.replace(/.*\//, '')));
    },
    async (host) => {
      const source = await openSource(`oci+http://${host}/knarr/update:v2`, options());
      for (const [name, data] of Object.entries(files)) {
        token++;
        assert.deepStrictEqual(await readSmall(source, name), data, name);
      }
    },
  );
});

test('what a registry, a layout or an archive holds wrongly is told of it', async () => {
  await serving(
    (_, response) => give(response, Buffer.from('<html>')),
    async (host) => {
      await assert.rejects(openSource(`oci+http://${host}/a:1`, options()), {
        code: 'update-source',
        message: /no manifest/,
      });
    },
  );
  const layout = join(folder, 'layout-bad');
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
  const put = async (data: Buffer): Promise<string> => {
    await writeFile(join(layout, 'blobs', digestOf(data).replace(':', '/')), data);
    return digestOf(data);
  };
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: await put(Buffer.from('no gzip')) };
  const absent = {
    digest: `sha256:${'0'.repeat(64)}`,
    annotations: { 'org.opencontainers.image.title': 'manifest.json' },
  };
  for (const layers of [[layer], [absent]]) {
    const digest = await put(Buffer.from(JSON.stringify({ layers })));
    await writeFile(join(layout, 'index.json'), JSON.stringify({ manifests: [{ digest }] }));
    const read = async (): Promise<unknown> => readSmall(await openSource(`oci:${layout}`, options()), 'manifest.json');
    await assert.rejects(read(), { code: 'update-source', message: /layout-bad: / });
  }
  const endless = Buffer.from(tar.subarray(0, 512));
  endless.write('-0000001000\0', 124, 'latin1');
  endless.fill(' ', 148, 156);
  endless.write(
    `${endless
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0`,
    148,
    'latin1',
  );
  await writeFile(join(folder, 'endless.tar'), endless);
  await assert.rejects(openSource(join(folder, 'endless.tar'), options()), /a member in it has -512 bytes/);
});

const references: Record<string, object | undefined> = {
  'registry.example.com/knarr/update:1.36.4': {
    host: 'registry.example.com',
    repository: 'knarr/update',
    reference: '1.36.4',
  },
  'localhost:5000/knarr': { host: 'localhost:5000', repository: 'knarr', reference: 'latest' },
  'knarr/update': undefined,
  './file': undefined,
};
for (const [text, reference] of Object.entries(references))
  test(`the reference ${text}`, () => assert.deepStrictEqual(parseReference(text), reference));

test('what is nothing is refused with what may be named', async () => {
  for (const nothing of ['/no/such/folder', 'https://[', 'file://[', ''])
    await assert.rejects(openSource(nothing, options()), /name a folder, a \.tar file/);
  await writeFile(join(folder, 'bad.tar'), Buffer.alloc(2048, 'x'));
  await assert.rejects(openSource(join(folder, 'bad.tar'), options()), /no tar archive/);
});
