import assert from 'node:assert/strict';
import { eventually } from '../../harness/cluster.ts';
import { apply, inPod, pod, podReady, scenario } from '../../harness/scenario.ts';

const { test } = await scenario();

const started = (state: string) => `jsonpath={.status.containerStatuses[0].${state}}`;

for (const signal of ['SIGKILL', 'SIGTERM'] as const)
  test(`ending the daemon by ${signal} touches no container, and it takes them up again`, async (cluster) => {
    const name = signal.toLowerCase();
    await apply(cluster, pod(name));
    await podReady(cluster, name);
    const before = await cluster.kubectl('get', 'pod', name, '-o', started('containerID'));
    const clock = await inPod(cluster, name, 'stat', '-c', '%Y', '/proc/1');
    await cluster.server.kill(signal);
    const processes = (await cluster.server.exec('ps', ['ax'])).stdout;
    assert.match(processes, /sleep 3600/);
    await cluster.server.start('server');
    await eventually('the API', () => cluster.kubectl('get', '--raw', '/readyz'));
    await eventually('the pod to be entered again', async () =>
      assert.equal(await inPod(cluster, name, 'stat', '-c', '%Y', '/proc/1'), clock),
    );
    await podReady(cluster, name);
    assert.equal(await cluster.kubectl('get', 'pod', name, '-o', started('containerID')), before);
    assert.equal(await cluster.kubectl('get', 'pod', name, '-o', started('restartCount')), '0');
  });

test('what was deleted while the daemon was away is ended when it comes back', async (cluster) => {
  await apply(cluster, pod('after'));
  await podReady(cluster, 'after');
  await cluster.server.kill('SIGKILL');
  await cluster.server.start('server');
  await eventually('the API', () => cluster.kubectl('get', '--raw', '/readyz'));
  await cluster.kubectl('delete', 'pod', 'after', '--timeout=30s');
  await eventually('the sandbox to be gone', async () => {
    const { stdout } = await cluster.server.exec('ctr', [
      ...['--address', '/run/k3s/containerd/containerd.sock', '--namespace', 'k8s.io', 'containers', 'list'],
    ]);
    assert.doesNotMatch(stdout, /after/);
  });
});
