import assert from 'node:assert/strict';
import { join } from 'node:path';
import { clone } from '../../../images/tools/paths.ts';
import { eventually } from '../../../src/base/eventually.ts';
import type { TestNode } from '../../harness/node.ts';
import { apply, askFrom, inPod, nodeReady, pod, podReady, scenario, serve } from '../../harness/scenario.ts';

const { test } = await scenario();

let two: TestNode;

test('a second machine joins by token as agent', async (cluster) => {
  two = await cluster.addNode('two');
  await cluster.join(two, '--node-label', 'role=worker');
  await nodeReady(cluster, 'two');
  assert.equal(await cluster.kubectl('get', 'node', 'two', '-o', 'jsonpath={.metadata.labels.role}'), 'worker');
});

test('nodes bear K3s’s labels and annotations, the server’s its role', async (cluster) => {
  const { items } = JSON.parse(await cluster.kubectl('get', 'nodes', '-o', 'json')) as {
    items: { metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> } }[];
  };
  const shown = items.map(({ metadata: { name, labels, annotations } }) => [
    name,
    labels['node-role.kubernetes.io/control-plane'],
    labels['node.kubernetes.io/instance-type'],
    annotations['k3s.io/hostname'],
    (JSON.parse(annotations['k3s.io/node-args'] ?? '[]') as string[])[0],
  ]);
  assert.deepEqual(shown, [
    ['one', 'true', 'k3s', 'one', 'server'],
    ['two', undefined, 'k3s', 'two', 'agent'],
  ]);
});

test('pods of both nodes talk to each other, directly and through services', async (cluster) => {
  await apply(
    cluster,
    pod('near', { node: 'one', command: serve(8080, 'near') }),
    pod('far', { node: 'two', command: serve(8080, 'far') }),
    ...['near', 'far'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
    })),
  );
  await Promise.all([podReady(cluster, 'near'), podReady(cluster, 'far')]);
  const ip = await cluster.kubectl('get', 'pod', 'far', '-o', 'jsonpath={.status.podIP}');
  assert.equal(await askFrom(cluster, 'near', ip, 8080), 'far');
  assert.equal(await askFrom(cluster, 'near', 'far', 80), 'far');
  assert.equal(await askFrom(cluster, 'far', 'near.default.svc.cluster.local', 80), 'near');
});

test('logs and exec go through the tunnel where the server has no way to the agent', async (cluster) => {
  await apply(cluster, pod('remote', { node: 'two', command: ['sh', '-c', 'echo from two; sleep 3600'] }));
  await podReady(cluster, 'remote');
  await two.exec('iptables', [
    '-I',
    'INPUT',
    '-p',
    'tcp',
    '-s',
    cluster.server.address,
    '--dport',
    '10250',
    '-j',
    'DROP',
  ]);
  const { code } = await cluster.server.exec('busybox', ['nc', '-w', '2', two.address, '10250'], {
    input: '',
    okCodes: [0, 1],
  });
  assert.equal(code, 1, 'the kubelet is not reached directly');
  assert.equal(await cluster.kubectl('logs', 'remote'), 'from two\n');
  assert.equal(await inPod(cluster, 'remote', 'hostname'), 'remote\n');
});

test('the agent’s daemon comes back after kill -9 with its containers', async (cluster) => {
  const before = await cluster.kubectl(
    'get',
    'pod',
    'remote',
    '-o',
    'jsonpath={.status.containerStatuses[0].containerID}',
  );
  await two.kill('SIGKILL');
  await cluster.join(two);
  await eventually('exec through the new tunnel', async () =>
    assert.equal(await inPod(cluster, 'remote', 'hostname'), 'remote\n'),
  );
  assert.equal(
    await cluster.kubectl('get', 'pod', 'remote', '-o', 'jsonpath={.status.containerStatuses[0].containerID}'),
    before,
  );
});

test('a wrong token is refused, and so is a server with another CA', async (cluster) => {
  const three = await cluster.addNode('three');
  await three.start('agent', '--server', `https://${cluster.server.address}:6443`, '--token', 'wrong');
  await eventually('the refusal', async () => assert.match(await three.log(), /does not know this token/), 20_000);
  await three.kill('SIGTERM');
  const foreign = `K10${'0'.repeat(64)}::server:x`;
  await three.start('agent', '--server', `https://${cluster.server.address}:6443`, '--token', foreign);
  await eventually('the refusal', async () => assert.match(await three.log(), /CA hash does not match/), 20_000);
});

test('another machine under the name of a node is refused by its node password', async (cluster) => {
  const impostor = await cluster.addNode('impostor');
  await cluster.join(impostor, '--node-name', 'two');
  await eventually('the refusal', async () => assert.match(await impostor.log(), /Node password rejected/), 20_000);
});

test('a bootstrap token lets a machine join', async (cluster) => {
  const { stdout } = await cluster.server.exec(process.execPath, [join(clone, 'src/cli/main.ts'), 'token', 'create']);
  const four = await cluster.addNode('four');
  await four.start('agent', '--server', `https://${cluster.server.address}:6443`, '--token', stdout.trim());
  await nodeReady(cluster, 'four');
});
