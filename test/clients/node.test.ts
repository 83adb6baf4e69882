import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  Metrics,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  VersionApi,
  Watch,
} from '@kubernetes/client-node';
import { eventually } from '../../src/base/eventually.ts';
import { startClientEnvironment } from './environment.ts';

const refused = (code: number) => (error: unknown) => error instanceof ApiException && error.code === code;

test('the JavaScript client does all that it ordinarily does', { timeout: 120_000 }, async () => {
  await using environment = await startClientEnvironment();
  const config = new KubeConfig();
  config.loadFromFile(environment.kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const namespace = 'default';
  await eventually('the service account', () => core.readNamespacedServiceAccount({ name: 'default', namespace }));
  const map = (name: string): V1ConfigMap => ({ metadata: { name, labels: { of: 'test' } }, data: { text: 'ä' } });

  const made = await core.createNamespacedConfigMap({ namespace, body: map('one') });
  assert.ok(made.metadata?.creationTimestamp instanceof Date);
  await assert.rejects(core.createNamespacedConfigMap({ namespace, body: map('one') }), refused(409));
  await assert.rejects(core.createNamespacedConfigMap({ namespace, body: map('Bad_Name') }), refused(422));
  await core.patchNamespacedConfigMap(
    { name: 'one', namespace, body: [{ op: 'replace', path: '/data/text', value: 'json' }] },
    setHeaderOptions('Content-Type', PatchStrategy.JsonPatch),
  );
  await core.patchNamespacedConfigMap(
    { name: 'one', namespace, body: { data: { more: 'strategic' } } },
    setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
  );
  assert.deepEqual((await core.readNamespacedConfigMap({ name: 'one', namespace })).data, {
    text: 'json',
    more: 'strategic',
  });

  const seen: string[] = [];
  const informer = makeInformer(
    config,
    `/api/v1/namespaces/${namespace}/configmaps`,
    () => core.listNamespacedConfigMap({ namespace, labelSelector: 'of=test' }),
    'of=test',
  );
  for (const event of ['add', 'update', 'delete'] as const)
    informer.on(event, (object) => void seen.push(`${event} ${object.metadata?.name}`));
  await informer.start();
  await core.createNamespacedConfigMap({ namespace, body: map('two') });
  await core.deleteNamespacedConfigMap({ name: 'two', namespace });
  await eventually('the informer', async () => assert.deepEqual(seen, ['add one', 'add two', 'delete two']));
  await informer.stop();

  const watch = new Watch(config);
  const first = await new Promise<string>((resolve, reject) => {
    void watch
      .watch(
        '/api/v1/namespaces',
        { fieldSelector: 'metadata.name=default' },
        (phase, object: { metadata: { name: string } }) => resolve(`${phase} ${object.metadata.name}`),
        reject,
      )
      .catch(reject);
  });
  assert.equal(first, 'ADDED default');

  const objects = KubernetesObjectApi.makeApiClient(config);
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'runs' }] } };
  await objects.create({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template },
  } as never);
  const apps = config.makeApiClient(AppsV1Api);
  await eventually('two pods', async () => {
    const { status } = await apps.readNamespacedDeployment({ name: 'web', namespace });
    assert.equal(status?.availableReplicas, 2);
  });
  assert.equal((await config.makeApiClient(VersionApi).getCode()).minor, '36');
  await assert.rejects(new Metrics(config).getNodeMetrics());
});
