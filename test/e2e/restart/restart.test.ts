import assert from 'node:assert/strict';
import { eventually } from '../../../src/base/eventually.ts';
import type { TestCluster } from '../../harness/cluster.ts';
import { busyboxImage } from '../../harness/images.ts';
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

const ctr = async (cluster: TestCluster, ...args: string[]): Promise<string> => {
  const socket = ['--address', '/run/k3s/containerd/containerd.sock', '--namespace', 'k8s.io'];
  return (await cluster.server.exec('ctr', [...socket, ...args])).stdout;
};

test('images whose import was cut off are taken away and imported again', async (cluster) => {
  const listed = (): Promise<string> => ctr(cluster, 'images', 'list', `name==${busyboxImage}`);
  await ctr(cluster, 'images', 'label', busyboxImage, 'knarr.io/unsynced=yes');
  assert.match(await listed(), /unsynced/);
  await cluster.server.kill('SIGKILL');
  // what the daemon writes when an import is over
  await cluster.server.exec('rm', ['/var/lib/rancher/k3s/agent/images/.cache.json']);
  await cluster.server.start('server');
  await eventually('the API', () => cluster.kubectl('get', '--raw', '/readyz'));
  await eventually('the image', async () => {
    const text = await listed();
    assert.match(text, /io\.cattle\.k3s\.pinned=pinned/);
    assert.doesNotMatch(text, /unsynced/);
  });
  assert.match(await cluster.server.log(), /images whose import was cut off/);
});

test('what was deleted while the daemon was away is ended when it comes back', async (cluster) => {
  await apply(cluster, pod('after'));
  await podReady(cluster, 'after');
  await cluster.server.kill('SIGKILL');
  await cluster.server.start('server');
  await eventually('the API', () => cluster.kubectl('get', '--raw', '/readyz'));
  await cluster.kubectl('delete', 'pod', 'after', '--timeout=30s');
  await eventually('the sandbox to be gone', async () => {
    assert.doesNotMatch(await ctr(cluster, 'containers', 'list'), /after/);
  });
});
