import assert from 'node:assert/strict';
import { once } from 'node:events';
import { eventually } from '../../../src/base/eventually.ts';
import { apply, inPod, pod, podReady, scenario, serve } from '../../harness/scenario.ts';

const { test } = await scenario();

test('a pod runs, is logged, entered and deleted', async (cluster) => {
  await apply(cluster, pod('basic', { command: ['sh', '-c', 'echo hello; echo again; sleep 3600'] }));
  await podReady(cluster, 'basic');
  await eventually('the log', async () => assert.equal(await cluster.kubectl('logs', 'basic'), 'hello\nagain\n'));
  assert.equal(await cluster.kubectl('logs', 'basic', '--tail=1'), 'again\n');
  assert.equal(await inPod(cluster, 'basic', 'echo', 'inside'), 'inside\n');
  await cluster.kubectl('delete', 'pod', 'basic', '--timeout=30s');
  assert.equal(await cluster.kubectl('get', 'pods', '--ignore-not-found', '--field-selector=metadata.name=basic'), '');
});

/** kubectl speaks WebSocket unless told otherwise; older clients speak SPDY. */
const wires = { WebSocket: 'true', SPDY: 'false' } as const;
const kubectlOver = (webSocket: string): string[] => [
  `KUBECTL_REMOTE_COMMAND_WEBSOCKETS=${webSocket}`,
  `KUBECTL_PORT_FORWARD_WEBSOCKETS=${webSocket}`,
  ...['kubectl', '--kubeconfig', '/etc/rancher/k3s/k3s.yaml'],
];

test('exec carries standard input to its end, and the exit code back', async (cluster) => {
  await apply(cluster, pod('streams'));
  await podReady(cluster, 'streams');
  for (const [wire, webSocket] of Object.entries(wires)) {
    const exec = [...kubectlOver(webSocket), 'exec', '-i', 'streams', '--', 'sh', '-c'];
    const { stdout } = await cluster.server.exec('env', [...exec, 'cat; echo end'], {
      input: 'x'.repeat(100_000),
      timeoutMs: 20_000,
    });
    assert.equal(stdout, `${'x'.repeat(100_000)}end\n`, wire);
    const failing = cluster.server.exec('env', [...exec, 'echo sorry >&2; exit 7'], { timeoutMs: 20_000 });
    await assert.rejects(failing, /exit code 7|sorry/, wire);
  }
});

test('attach shows what the container writes', async (cluster) => {
  await apply(cluster, pod('attached', { command: ['sh', '-c', 'while true; do echo tick; sleep 0.2; done'] }));
  await podReady(cluster, 'attached');
  const child = cluster.server.spawn('kubectl', ['--kubeconfig', '/etc/rancher/k3s/k3s.yaml', 'attach', 'attached'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data', {
    signal: AbortSignal.timeout(10_000),
  })) as [Buffer];
  child.kill('SIGKILL');
  assert.match(chunk.toString(), /tick/);
});

test('files are copied in and out', async (cluster) => {
  await apply(cluster, pod('copied'));
  await podReady(cluster, 'copied');
  await cluster.server.exec('sh', ['-c', 'echo content > /run/in.txt']);
  await cluster.kubectl('cp', '/run/in.txt', 'copied:/tmp/in.txt');
  assert.equal(await inPod(cluster, 'copied', 'cat', '/tmp/in.txt'), 'content\n');
  await cluster.kubectl('cp', 'copied:/tmp/in.txt', '/run/out.txt');
  assert.equal((await cluster.server.exec('cat', ['/run/out.txt'])).stdout, 'content\n');
});

test('a port is forwarded', async (cluster) => {
  await apply(cluster, pod('forwarded', { command: serve(8080, 'reached') }));
  await podReady(cluster, 'forwarded');
  for (const [index, webSocket] of Object.values(wires).entries()) {
    const port = 18_080 + index;
    const forward = [...kubectlOver(webSocket), 'port-forward', 'pod/forwarded', `${port}:8080`];
    const child = cluster.server.spawn('env', forward, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(child.stdout as NodeJS.ReadableStream, 'data', { signal: AbortSignal.timeout(10_000) });
      const ask = `busybox nc -w 5 127.0.0.1 ${port} </dev/null || true`;
      assert.equal((await cluster.server.exec('sh', ['-c', ask])).stdout.trim(), 'reached');
    } finally {
      child.kill('SIGKILL');
    }
  }
});

test('probes decide about readiness and restarts', async (cluster) => {
  await apply(
    cluster,
    pod('probed', {
      command: ['sh', '-c', 'touch /tmp/ready /tmp/live; sleep 3600'],
      container: {
        readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 1 },
        livenessProbe: { exec: { command: ['cat', '/tmp/live'] }, periodSeconds: 1, failureThreshold: 1 },
      },
    }),
  );
  await podReady(cluster, 'probed');
  await inPod(cluster, 'probed', 'rm', '/tmp/ready');
  await cluster.kubectl('wait', '--for=condition=Ready=false', 'pod/probed', '--timeout=20s');
  await inPod(cluster, 'probed', 'rm', '/tmp/live');
  await eventually('the restart', async () =>
    assert.equal(
      await cluster.kubectl('get', 'pod', 'probed', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}'),
      '1',
    ),
  );
});

test('configuration, secrets, tokens and the pod itself are seen as files and variables', async (cluster) => {
  await apply(
    cluster,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { key: 'value' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hidden' }, stringData: { word: 'sesame' } },
    pod('volumes', {
      container: {
        env: [
          { name: 'KEY', valueFrom: { configMapKeyRef: { name: 'settings', key: 'key' } } },
          { name: 'WORD', valueFrom: { secretKeyRef: { name: 'hidden', key: 'word' } } },
          { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        ],
        volumeMounts: [
          { name: 'settings', mountPath: '/settings' },
          { name: 'hidden', mountPath: '/hidden' },
          { name: 'about', mountPath: '/about' },
          { name: 'scratch', mountPath: '/scratch' },
        ],
      },
      spec: {
        volumes: [
          { name: 'settings', configMap: { name: 'settings' } },
          { name: 'hidden', secret: { secretName: 'hidden', defaultMode: 0o400 } },
          { name: 'about', downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
          { name: 'scratch', emptyDir: {} },
        ],
      },
    }),
  );
  await podReady(cluster, 'volumes');
  const token = '/var/run/secrets/kubernetes.io/serviceaccount';
  const script = `echo $KEY $WORD $NODE $(cat /settings/key) $(cat /hidden/word) $(cat /about/name); touch /scratch/x; ls ${token}; cut -d. -f2 ${token}/token | wc -c`;
  const [line, ...rest] = (await inPod(cluster, 'volumes', 'sh', '-c', script)).trim().split('\n');
  assert.equal(line, 'value sesame one value sesame volumes');
  assert.deepEqual(rest.slice(0, 3), ['ca.crt', 'namespace', 'token']);
  assert.ok(Number(rest[3]) > 100);
});

test('init containers run before the others, in order', async (cluster) => {
  const init = (name: string) => ({
    name,
    image: 'knarr.test/busybox:1',
    imagePullPolicy: 'Never',
    command: ['sh', '-c', `echo ${name} >> /steps/order`],
    volumeMounts: [{ name: 'work', mountPath: '/steps' }],
  });
  await apply(
    cluster,
    pod('initialised', {
      container: { volumeMounts: [{ name: 'work', mountPath: '/steps' }] },
      spec: { initContainers: [init('first'), init('second')], volumes: [{ name: 'work', emptyDir: {} }] },
    }),
  );
  await podReady(cluster, 'initialised');
  assert.equal(await inPod(cluster, 'initialised', 'cat', '/steps/order'), 'first\nsecond\n');
});

test('a memory limit ends what exceeds it', async (cluster) => {
  await apply(
    cluster,
    pod('greedy', {
      command: ['sh', '-c', 'head -c 200000000 /dev/zero | tail'],
      container: { resources: { limits: { memory: '20Mi' } } },
      spec: { restartPolicy: 'Never' },
    }),
  );
  await eventually('the end by OOM', async () =>
    assert.equal(
      await cluster.kubectl(
        'get',
        'pod',
        'greedy',
        '-o',
        'jsonpath={.status.containerStatuses[0].state.terminated.reason}',
      ),
      'OOMKilled',
    ),
  );
});
