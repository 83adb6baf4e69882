import assert from 'node:assert/strict';
import { eventually } from '../../../src/base/eventually.ts';
import { scenario } from '../../harness/scenario.ts';

const made = await scenario();

const folder = '/var/lib/rancher/k3s/server/manifests';
const write = (name: string, text: string): Promise<unknown> =>
  made.cluster.server.exec('sh', ['-c', `cat > ${folder}/${name}`], { input: text });
const configMap = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  key: ${value}\n---\n`;
const value = (name: string): Promise<string> =>
  made.cluster.kubectl('get', 'configmap', name, '--ignore-not-found', '-o', 'jsonpath={.data.key}');

made.test(
  'a file in the manifests folder is applied, followed, and left in place when it is deleted',
  async (cluster) => {
    await write('mine.yaml', configMap('one', 'a') + configMap('two', 'a'));
    await eventually('both objects', async () =>
      assert.deepEqual([await value('one'), await value('two')], ['a', 'a']),
    );
    await write('mine.yaml', configMap('one', 'b'));
    await eventually('the change', async () => assert.deepEqual([await value('one'), await value('two')], ['b', '']));
    const addon = await cluster.kubectl('-n', 'kube-system', 'get', 'addons', 'mine', '-o', 'jsonpath={.spec.source}');
    assert.equal(addon, `${folder}/mine.yaml`);
    await cluster.server.exec('rm', [`${folder}/mine.yaml`]);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(await value('one'), 'b');
  },
);

made.test('a .skip file keeps a manifest from being applied', async () => {
  await write('other.yaml.skip', '');
  await write('other.yaml', configMap('skipped', 'a'));
  await write('third.yaml', configMap('third', 'a'));
  await eventually('the third', async () => assert.equal(await value('third'), 'a'));
  assert.equal(await value('skipped'), '');
});
