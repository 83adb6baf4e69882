import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { events, nodes, secrets } from '../../src/api/gen/resources.ts';
import { eventually } from '../../src/base/eventually.ts';
import { createLogger } from '../../src/base/log.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { clusterConfig, configAnnotation, createClusterConfig, mayReboot } from '../../src/daemon/cluster-config.ts';
import { ensureClusterObjects } from '../../src/daemon/cluster-objects.ts';
import { startServer, type TestServer } from './start-server.ts';

let server: TestServer;
let admin: Client;
let folder: string;
const calls: string[] = [];
const { namespace, name } = clusterConfig;

/** As `knarr config try` does: what holds "bad" goes back, what holds "wrong" is refused. */
async function tool(args: readonly string[]): Promise<void> {
  const file = args.at(-1) ?? '';
  const text = await readFile(file, 'utf8');
  const id = args[args.indexOf('--id') + 1];
  calls.push(`${args.slice(0, args.indexOf('--id')).join(' ')}: ${text}`);
  if (text.includes('wrong')) throw new Error('asked:1:1: wrong: unknown key');
  const outcome = text.includes('bad') ? ['returned', 'node: not Ready'] : ['kept', 'the machine is well'];
  await writeFile(join(folder, 'outcome.json'), JSON.stringify({ id, result: outcome[0], reason: outcome[1], at: 1 }));
}

before(async () => {
  server = await startServer({ store: 'memory' });
  admin = createClient(server.server.transport({ name: 'admin', groups: ['system:masters'] }));
  await ensureClusterObjects(admin);
  folder = join(server.folder, 'config');
  await mkdir(folder, { recursive: true });
  await admin.create(nodes, { metadata: { name: 'one' } });
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
  await server?.[Symbol.asyncDispose]();
});

const told = async (): Promise<Record<string, { result: string; reason: string }>> =>
  JSON.parse((await admin.get(nodes, 'one')).metadata.annotations?.[configAnnotation] ?? '{}');

test('a machine tries what its cluster asks of it, and says how that went', async () => {
  // An agent's own rights, not an administrator's.
  const client = createClient(
    server.server.transport({ name: 'system:k3s-controller', groups: ['system:authenticated'] }),
  );
  const component = createClusterConfig({
    client,
    nodeName: 'one',
    log: createLogger({ part: 'test', level: 'error' }),
    folder,
    tool,
  });
  await component.start();
  try {
    await admin.create(
      secrets,
      {
        metadata: { name, namespace },
        stringData: { 'all.yaml': 'timezone: UTC\n', 'one.yaml': 'bad\n', 'two.yaml': 'no\n' },
      },
      { namespace },
    );
    await eventually('both files to be tried', async () => {
      const { '80-cluster': all, '90-cluster-node': own } = await told();
      assert.deepStrictEqual([all?.result, own?.result, own?.reason], ['kept', 'returned', 'node: not Ready']);
    });
    assert.deepStrictEqual(calls.splice(0), [
      'try --keep-when-healthy --as 80-cluster: timezone: UTC\n',
      'try --keep-when-healthy --as 90-cluster-node: bad\n',
    ]);
    const change = { stringData: { 'one.yaml': 'wrong\n' }, metadata: { annotations: { [mayReboot]: 'true' } } };
    await admin.patch(secrets, name, { type: 'merge', body: change }, { namespace });
    await eventually('the refusal', async () =>
      assert.match((await told())['90-cluster-node']?.reason ?? '', /asked:1:1: wrong: unknown key/),
    );
    assert.match(calls.splice(0).join(), /--reboot --as 80-cluster.*--reboot --as 90-cluster-node/s);
    await eventually('the event of the refusal', async () => {
      const { items } = await admin.list(events, { fieldSelector: 'reason=ConfigNotKept' });
      assert.match(items.map(({ message }) => message).join(), /unknown key/);
    });

    await admin.delete(secrets, name, { namespace });
    await eventually('the files to be emptied', async () => assert.deepStrictEqual(await told(), {}));
    assert.deepStrictEqual(calls.length, 2);
  } finally {
    await component.stop();
  }
});

test('an agent may read no other secret', async () => {
  const client = createClient(
    server.server.transport({ name: 'system:k3s-controller', groups: ['system:authenticated'] }),
  );
  await assert.rejects(client.get(secrets, 'other', { namespace }), /cannot get resource "secrets"/);
  await assert.rejects(client.list(secrets, { namespace }), /cannot list resource "secrets"/);
});
