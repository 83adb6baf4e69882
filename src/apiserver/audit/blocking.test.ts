import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Exchange } from '../http/exchange.ts';
import { createAuditMetrics } from '../metrics/audit.ts';
import { createAudit } from './audit.ts';
import type { AuditSink } from './log-file.ts';

interface Written {
  readonly stage: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A sink that decides about each event when it is told to. */
function heldSink(strict: boolean) {
  const events: Written[] = [];
  const deciding: ((good: boolean) => void)[] = [];
  const sink: AuditSink = {
    strict,
    write(line) {
      events.push(JSON.parse(line));
      return new Promise((resolve) => deciding.push(resolve));
    },
    flush: async () => {},
  };
  return { sink, events, decide: (good: boolean) => deciding.shift()?.(good) };
}

function testExchange() {
  const answered: number[] = [];
  const exchange = {
    method: 'GET',
    url: '/api/v1/namespaces/a/configmaps/b',
    headers: {},
    socket: {},
    respond: (status: number) => void answered.push(status),
    onClose() {},
  };
  return { exchange: exchange as unknown as Exchange, answered };
}

async function withAudit(sink: AuditSink, run: (audit: ReturnType<typeof createAudit>) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-audit-'));
  try {
    const policyFile = join(folder, 'policy.yaml');
    await writeFile(policyFile, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n');
    const audit = createAudit({ policyFile, sinks: [sink], metrics: createAuditMetrics() });
    await audit.start();
    await run(audit);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const jane = { name: 'jane', groups: [] };

for (const strict of [false, true])
  test(`a request waits until its events are taken; ${strict ? 'none is served' : 'it goes on'} when they are not`, () => {
    const { sink, events, decide } = heldSink(strict);
    return withAudit(sink, async (audit) => {
      const { exchange, answered } = testExchange();
      const record = audit.begin(exchange, jane, performance.now());
      decide(false);
      assert.equal(await record?.received, !strict);
      record?.exchange.respond(200, {}, '');
      await Promise.resolve();
      assert.deepEqual(answered, []);
      decide(false);
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(answered, [200]);
      assert.deepEqual(
        events.map(({ stage, annotations }) => [stage, annotations]),
        [
          ['RequestReceived', undefined],
          ['ResponseComplete', undefined],
        ],
      );
    });
  });

test('of a request that took long it is told where the time went', () => {
  const { sink, events } = heldSink(false);
  return withAudit({ ...sink, write: (line) => void sink.write(line) as undefined }, async (audit) => {
    const { exchange, answered } = testExchange();
    const record = audit.begin(exchange, jane, performance.now() - 2_000);
    assert.equal(record?.received, undefined);
    record?.spent('mutating-webhook', 1_500);
    record?.spent('mutating-webhook', 250.5);
    record?.exchange.respond(200, {}, '');
    assert.deepEqual(answered, [200]);
    const { total, ...layers } = Object.fromEntries(
      Object.entries(events.at(-1)?.annotations ?? {}).map(([key, value]) => [key.split('/')[1], value]),
    );
    assert.deepEqual(layers, { 'mutating-webhook': '1.7505s' });
    assert.match(total ?? '', /^[2-9]\.\d+s$/);
  });
});
