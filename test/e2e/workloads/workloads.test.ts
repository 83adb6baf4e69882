import assert from 'node:assert/strict';
import { eventually } from '../../../src/base/eventually.ts';
import { apply, podSpec, scenario } from '../../harness/scenario.ts';

const { test } = await scenario();

const deployment = (name: string, replicas: number, version: string): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name, version } },
      spec: podSpec({ container: { env: [{ name: 'VERSION', value: version }] } }),
    },
  },
});

test('a deployment is made, scaled, rolled out and undone', async (cluster) => {
  await apply(cluster, deployment('web', 2, 'one'));
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  await cluster.kubectl('scale', 'deployment/web', '--replicas=3');
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  await apply(cluster, deployment('web', 3, 'two'));
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  const versions = (): Promise<string> =>
    cluster.kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.labels.version}');
  await eventually('the old pods to be gone', async () => assert.equal(await versions(), 'two two two'));
  await cluster.kubectl('rollout', 'undo', 'deployment/web');
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  await eventually('the new pods to be gone', async () => assert.equal(await versions(), 'one one one'));
  await cluster.kubectl('delete', 'deployment', 'web');
  await eventually('the pods to be collected', async () =>
    assert.equal(await cluster.kubectl('get', 'pods', '-l', 'app=web', '-o', 'name'), ''),
  );
});

test('a job runs its pods to completion', async (cluster) => {
  await apply(cluster, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'once' },
    spec: {
      completions: 2,
      parallelism: 2,
      template: { spec: podSpec({ command: ['echo', 'done'], spec: { restartPolicy: 'Never' } }) },
    },
  });
  await cluster.kubectl('wait', '--for=condition=Complete', 'job/once', '--timeout=60s');
  assert.equal(await cluster.kubectl('get', 'job', 'once', '-o', 'jsonpath={.status.succeeded}'), '2');
});

test('a daemon set has a pod on every node', async (cluster) => {
  await apply(cluster, {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'everywhere' },
    spec: {
      selector: { matchLabels: { app: 'everywhere' } },
      template: { metadata: { labels: { app: 'everywhere' } }, spec: podSpec() },
    },
  });
  await cluster.kubectl('rollout', 'status', 'daemonset/everywhere', '--timeout=60s');
});

test('a namespace is deleted with all that is in it', async (cluster) => {
  await cluster.kubectl('create', 'namespace', 'short');
  await cluster.kubectl('-n', 'short', 'create', 'configmap', 'inside', '--from-literal=a=b');
  await cluster.kubectl('delete', 'namespace', 'short', '--timeout=60s');
  assert.equal(await cluster.kubectl('get', 'namespaces', '--field-selector=metadata.name=short', '-o', 'name'), '');
});
