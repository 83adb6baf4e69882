import assert from 'node:assert/strict';
import { eventually } from '../../../src/base/eventually.ts';
import type { TestNode } from '../../harness/node.ts';
import { apply, askFrom, inPod, nodeReady, pod, podReady, scenario, serve } from '../../harness/scenario.ts';

const { test } = await scenario();
let two: TestNode;

const service = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 8088, targetPort: 8080 }], ...spec },
});
const policy = (name: string, spec: object): object => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name },
  spec,
});

test('a load-balancer service gets the nodes’ addresses and answers on each of them', async (cluster) => {
  two = await cluster.addNode('two');
  await cluster.join(two);
  await nodeReady(cluster, 'two');
  await apply(
    cluster,
    pod('web', { node: 'one', command: serve(8080, 'web') }),
    service('web', { type: 'LoadBalancer' }),
  );
  await apply(cluster, pod('near', { node: 'one' }), pod('far', { node: 'two' }));
  await Promise.all(['web', 'near', 'far'].map((name) => podReady(cluster, name)));
  const addresses = [cluster.server.address, two.address];
  await eventually('the addresses', async () =>
    assert.equal(
      await cluster.kubectl('get', 'service', 'web', '-o', 'jsonpath={.status.loadBalancer.ingress[*].ip}'),
      addresses.join(' '),
    ),
  );
  for (const from of ['near', 'far'])
    for (const address of addresses) assert.equal(await askFrom(cluster, from, address, 8088), 'web');
});

test('a policy closes a pod to those it does not name, on its own node and from another', async (cluster) => {
  const ip = await cluster.kubectl('get', 'pod', 'web', '-o', 'jsonpath={.status.podIP}');
  const reaches = async (from: string): Promise<boolean> =>
    /^web$/m.test(await inPod(cluster, from, 'sh', '-c', `nc -w 1 ${ip} 8080 </dev/null || true`));
  const podSelector = { matchLabels: { app: 'web' } };
  const opened = (app: string) => ({ from: [{ podSelector: { matchLabels: { app } } }] });
  const who = async (): Promise<string> => {
    const open = await Promise.all(['near', 'far'].map(async (name) => ((await reaches(name)) ? [name] : [])));
    return open.flat().join(' ');
  };
  await apply(cluster, policy('web', { podSelector, policyTypes: ['Ingress'], ingress: [opened('far')] }));
  await eventually('only the far pod to get through', async () => assert.equal(await who(), 'far'), 20_000);
  await apply(cluster, policy('web', { podSelector, policyTypes: ['Ingress'], ingress: [opened('near')] }));
  await eventually('only the near pod to get through', async () => assert.equal(await who(), 'near'), 20_000);
  await cluster.kubectl('delete', 'networkpolicy', 'web');
  await eventually('both to get through', async () => assert.equal(await who(), 'near far'), 20_000);
});

test('the daemon’s end leaves the traffic alone, and rules that are flushed come back', async (cluster) => {
  const address = await cluster.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  const ask = async (): Promise<string> => {
    const { stdout } = await two.exec('bash', ['-c', `timeout 2 cat </dev/tcp/${address}/8088 || true`]);
    return stdout.trim();
  };
  const answers = (): Promise<void> => eventually('an answer', async () => assert.equal(await ask(), 'web'), 20_000);
  await answers();
  await two.kill('SIGKILL');
  await answers();
  await cluster.join(two);
  await eventually('the node’s network to be adopted', async () =>
    assert.match(await two.log(), /up and running[\s\S]*up and running/),
  );
  await two.exec('nft', ['flush', 'ruleset']);
  await answers();
});
