import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decode, encode, type RecordType, streamDecode, streamEncode } from 'dns-packet';
import { services } from '../../src/api/gen/resources.ts';
import { eventually } from '../../src/base/eventually.ts';
import { silent } from '../../src/base/log.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createInformerFactory } from '../../src/client/informer.ts';
import { createDns } from '../../src/dns/create.ts';
import { createDnsServer } from '../../src/dns/server.ts';
import { createDnsService } from '../../src/dns/service.ts';
import { createMemoryTransport } from './memory-transport.ts';
import { inOwnNamespace, sh, whyNoNamespace } from './namespace.ts';

const reason = whyNoNamespace();
if (reason !== undefined) test('the cluster DNS of a node', { skip: reason }, () => {});
else if (inOwnNamespace(import.meta.filename)) suite();

function suite(): void {
  const client = createClient(createMemoryTransport());
  const informers = createInformerFactory(client);
  const clusterDns = ['10.43.0.10', 'fd43::a'];
  let folder = '';
  let dns: ReturnType<typeof createDns>;
  const keeper = createDnsService({ client, informers, clusterDns, log: silent });
  // The world outside: answers everything with 192.0.2.7.
  const world = createDnsServer({
    addresses: ['127.0.0.53'],
    port: 53,
    log: silent,
    handle: async (bytes) => {
      const query = decode(bytes);
      return encode({
        type: 'response',
        id: query.id ?? 0,
        questions: query.questions ?? [],
        answers: [{ type: 'A', name: query.questions?.[0]?.name ?? '', ttl: 30, data: '192.0.2.7' }],
      });
    },
  });

  let names = 0;
  /** A name that nobody has asked for: answers are kept. */
  const fresh = (): string => `name-${names++}.example`;
  const ask = async (server: string, name: string, type: RecordType): Promise<string[]> => {
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const timer = setTimeout(() => reject(new Error('no answer')), 1000);
    socket.on('message', resolve);
    socket.on('error', reject);
    socket.send(encode({ type: 'query', id: 9, questions: [{ name, type }] }), 53, server);
    try {
      return (decode(await promise).answers ?? []).map((a) => String((a as { data: unknown }).data));
    } finally {
      clearTimeout(timer);
      socket.close();
    }
  };
  /** As every client of DNS does: who gets no answer asks again. */
  const udp = (server: string, name: string, type: RecordType = 'A'): Promise<string[]> =>
    eventually('an answer', () => ask(server, name, type));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'knarr-dns-'));
    await writeFile(join(folder, 'resolv.conf'), 'nameserver 10.43.0.10\nnameserver 127.0.0.53\n');
    dns = createDns({
      informers,
      nodeName: 'n1',
      clusterDomain: 'cluster.local',
      clusterDns,
      serviceCidrs: ['10.43.0.0/16', 'fd43::/112'],
      clusterCidrs: ['10.42.0.0/16'],
      resolvConf: join(folder, 'resolv.conf'),
      log: silent,
    });
    await world.start();
    informers.start();
    await Promise.all([dns.start(), keeper.start()]);
  });
  after(async () => {
    await dns.stop();
    await keeper.stop();
    await world.stop();
    await informers.stop();
    await rm(folder, { recursive: true });
  });

  test('the service is there, comes back, and is answered on its own address in both families', async () => {
    const look = async (): Promise<void> =>
      assert.deepStrictEqual(await udp('10.43.0.10', 'kube-dns.kube-system.svc.cluster.local'), ['10.43.0.10']);
    await look();
    assert.deepStrictEqual(await udp('fd43::a', 'kube-dns.kube-system.svc.cluster.local', 'AAAA'), ['fd43::a']);
    await client.delete(services, 'kube-dns', { namespace: 'kube-system' });
    await eventually('the service', look);
  });

  test('other names go to the name servers, never back to ourselves; a changed resolv.conf is followed', async () => {
    assert.deepStrictEqual(await udp('10.43.0.10', 'example.org'), ['192.0.2.7']);
    await writeFile(join(folder, 'resolv.conf'), 'nameserver 10.43.0.10\n');
    await eventually('the other file', async () => assert.deepStrictEqual(await udp('10.43.0.10', fresh()), []));
  });

  test('a name server that there is no way to is an answer of failure, and no harm', async () => {
    await writeFile(join(folder, 'resolv.conf'), 'nameserver 203.0.113.53\n');
    assert.deepStrictEqual(await udp('10.43.0.10', fresh()), []);
    await writeFile(join(folder, 'resolv.conf'), 'nameserver 203.0.113.53\nnameserver 127.0.0.53\n');
    await eventually('the other file', async () =>
      assert.deepStrictEqual(await udp('10.43.0.10', fresh()), ['192.0.2.7']),
    );
  });

  test('TCP, two questions on one connection', async () => {
    const socket = connect({ host: '10.43.0.10', port: 53 });
    const question = (id: number) =>
      streamEncode({ type: 'query', id, questions: [{ name: 'kube-dns.kube-system.svc.cluster.local', type: 'A' }] });
    let received: Buffer = Buffer.alloc(0);
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      if (received.length > 2 && received.length >= 2 * (2 + received.readUInt16BE(0))) resolve();
    });
    socket.write(Buffer.concat([question(1), question(2)]));
    await promise;
    const size = 2 + received.readUInt16BE(0);
    assert.deepStrictEqual(
      [streamDecode(received.subarray(0, size))?.id, streamDecode(received.subarray(size))?.id],
      [1, 2],
    );
    socket.destroy();
  });

  test('its addresses go when it stops', async () => {
    assert.match(await sh('ip addr show dev lo'), /10\.43\.0\.10\/32/);
    await dns.stop();
    assert.doesNotMatch(await sh('ip addr show dev lo'), /10\.43\.0\.10/);
  });
}
