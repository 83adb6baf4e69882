import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode } from 'dns-packet';
import { createAnswerCache } from './cache.ts';
import { createForwarder } from './forward.ts';
import { createDnsHandler } from './handler.ts';
import { type Query, type ResourceRecord, readQuery, sizeLimit, writeReply } from './message.ts';
import { parseNameservers } from './resolv-conf.ts';
import { createZone } from './zone.ts';

function query(name: string, options: { id?: number; udpSize?: number } = {}): Query {
  const bytes = encode({
    type: 'query',
    id: options.id ?? 1,
    questions: [{ name, type: 'A' }],
    ...(options.udpSize
      ? {
          additionals: [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: options.udpSize,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
        }
      : {}),
  });
  const read = readQuery(bytes);
  assert.ok(read && read !== 'FORMERR');
  return read;
}
const addresses = (count: number): ResourceRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    owner: 'a.b.c',
    ttl: 5,
    type: 'A',
    address: `10.0.${i >> 8}.${i & 255}`,
  }));
const reply = (count: number) => ({
  rcode: 0,
  authoritative: true,
  answers: addresses(count),
  authorities: [],
  additionals: [],
});
const answerOf = (id: number, name: string, ttl: number, data = '192.0.2.1'): Buffer =>
  encode({ type: 'response', id, questions: [{ name, type: 'A' }], answers: [{ type: 'A', name, ttl, data }] });

test('names are compressed: 29 addresses fit into 512 bytes, more are cut and said to be', () => {
  const small = query('a.b.c');
  const whole = writeReply(small, reply(29), sizeLimit(small, 'udp'));
  assert.ok(whole.length <= 512);
  assert.equal(decode(whole).answers?.length, 29);
  assert.equal(decode(whole).flag_tc, false);
  const cut = decode(writeReply(small, reply(60), sizeLimit(small, 'udp')));
  assert.equal(cut.flag_tc, true);
  assert.ok((cut.answers?.length ?? 0) >= 28);
  const large = query('a.b.c', { udpSize: 1232 });
  const enough = decode(writeReply(large, reply(60), sizeLimit(large, 'udp')));
  assert.deepStrictEqual([enough.answers?.length, enough.flag_tc, enough.additionals?.[0]?.type], [60, false, 'OPT']);
  assert.equal(decode(writeReply(small, reply(1000), sizeLimit(small, 'tcp'))).answers?.length, 1000);
});

test('what cannot be read is refused or dropped, never thrown', async () => {
  const handle = createDnsHandler({
    zone: createZone({
      zone: 'cluster.local',
      nameservers: [],
      now: Date.now,
      isClusterAddress: () => false,
      view: {
        service: () => undefined,
        slices: () => [],
        serviceByIp: () => undefined,
        slicesByIp: () => [],
        hasNamespace: () => false,
      },
    }),
    nodeAddresses: () => undefined,
    forward: async () => undefined,
  });
  const good = encode({ type: 'query', id: 3, questions: [{ name: 'x.cluster.local', type: 'A' }] });
  for (let length = 0; length < good.length; length++) {
    const answer = await handle(good.subarray(0, length), 'udp');
    assert.equal(answer === undefined ? 'dropped' : answer.readUInt8(3) & 15, length < 12 ? 'dropped' : 1);
  }
  const noise = Buffer.alloc(64);
  for (let i = 0; i < 2000; i++) {
    for (let at = 0; at < noise.length; at++) noise[at] = (Math.imul(i + 1, 2_654_435_761) >>> (at % 24)) & 255;
    noise[2] = 0;
    await handle(noise, 'udp');
  }
});

test('answers from elsewhere are kept, counted down, fitted to each asker, and given when stale if nobody answers', async () => {
  let now = 0;
  let asked = 0;
  let up = true;
  const cache = createAnswerCache({ now: () => now });
  const { forward } = createForwarder({
    servers: () => ['192.0.2.53', '192.0.2.54'],
    cache,
    ask: {
      udp: async ({ server, bytes }) => {
        asked += 1;
        if (!up || server === '192.0.2.53') throw new Error('down');
        return answerOf(bytes.readUInt16BE(0), 'example.org', 20);
      },
      tcp: async () => assert.fail('TCP'),
    },
  });
  const [a, b] = await Promise.all([
    forward(query('example.org', { id: 5 }), 'udp'),
    forward(query('Example.ORG', { id: 6 }), 'udp'),
  ]);
  assert.ok(a && b);
  assert.deepStrictEqual([a.readUInt16BE(0), b.readUInt16BE(0), asked], [5, 6, 2]);
  assert.equal(decode(b).questions?.[0]?.name, 'Example.ORG');
  now = 7_000;
  const kept = decode((await forward(query('example.org', { id: 8 }), 'udp')) ?? Buffer.alloc(0));
  assert.equal((kept.answers?.[0] as { ttl: number } | undefined)?.ttl, 13);
  assert.equal(asked, 2);
  now = 60_000;
  up = false;
  const stale = decode((await forward(query('example.org', { id: 9 }), 'udp')) ?? Buffer.alloc(0));
  assert.equal(stale.answers?.length, 1);
  assert.equal(await forward(query('example.net'), 'udp'), undefined);
});

test('name servers of a resolv.conf', () => {
  assert.deepStrictEqual(
    parseNameservers(
      '# x\nnameserver 1.1.1.1\n nameserver fe80::1%eth0 \nsearch a b\nnameserver nonsense\noptions ndots:2\n',
    ),
    ['1.1.1.1', 'fe80::1%eth0'],
  );
});
