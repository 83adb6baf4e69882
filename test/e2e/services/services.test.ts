import assert from 'node:assert/strict';
import { eventually } from '../../../src/base/eventually.ts';
import { apply, askFrom, inPod, pod, podReady, scenario, serve } from '../../harness/scenario.ts';

const { test } = await scenario();

const service = (name: string, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
});

test('a service is reached by its address and by its name from another pod', async (cluster) => {
  await apply(cluster, pod('web', { command: serve(8080, 'served') }), service('web'), pod('client'));
  await Promise.all([podReady(cluster, 'web'), podReady(cluster, 'client')]);
  const address = await cluster.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  assert.equal(await askFrom(cluster, 'client', address, 80), 'served');
  assert.equal(await askFrom(cluster, 'client', 'web', 80), 'served');
  assert.equal(await askFrom(cluster, 'client', 'web.default.svc.cluster.local', 80), 'served');
});

test('a pod reaches itself through its service', async (cluster) => {
  assert.equal(await askFrom(cluster, 'web', 'web.default', 80), 'served');
});

test('a node port answers on the node, and its own pods reach it', async (cluster) => {
  await apply(cluster, pod('ported', { command: serve(8080, 'node-port') }));
  await apply(
    cluster,
    service('ported', { type: 'NodePort', ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] }),
  );
  await podReady(cluster, 'ported');
  const { address } = cluster.server;
  await eventually(
    'the node port',
    async () => {
      const { stdout } = await cluster.server.exec('sh', ['-c', `busybox nc -w 2 ${address} 30080 </dev/null || true`]);
      assert.equal(stdout.trim(), 'node-port');
    },
    20_000,
  );
  assert.equal(await askFrom(cluster, 'client', address, 30080), 'node-port');
});

test('a host port leads to its pod', async (cluster) => {
  await apply(
    cluster,
    pod('hosted', {
      command: serve(8080, 'host-port'),
      container: { ports: [{ containerPort: 8080, hostPort: 31234 }] },
    }),
  );
  await podReady(cluster, 'hosted');
  assert.equal(await askFrom(cluster, 'client', cluster.server.address, 31234), 'host-port');
});

test('the API is reached from a pod under its own name, with the pod’s token', async (cluster) => {
  const names = await inPod(cluster, 'client', 'sh', '-c', 'nslookup kubernetes.default.svc.cluster.local 2>&1');
  assert.match(names, /10\.43\.0\.1\b/);
});

test('a service without ready pods refuses, and answers again when there is one', async (cluster) => {
  await apply(cluster, service('later'));
  const address = await cluster.kubectl('get', 'service', 'later', '-o', 'jsonpath={.spec.clusterIP}');
  await eventually(
    'the refusal',
    async () => {
      const text = await inPod(cluster, 'client', 'sh', '-c', `nc -w 3 ${address} 80 </dev/null; echo code $?`);
      assert.match(text, /code 1/);
    },
    20_000,
  );
  await apply(cluster, pod('later', { command: serve(8080, 'late') }));
  await podReady(cluster, 'later');
  assert.equal(await askFrom(cluster, 'client', address, 80), 'late');
});
