import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Pod } from '../../src/api/gen/core-v1.ts';
import type { NetworkPolicy } from '../../src/api/gen/networking-v1.ts';
import { namespaces, networkpolicies, pods } from '../../src/api/gen/resources.ts';
import { silent } from '../../src/base/log.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createInformerFactory } from '../../src/client/informer.ts';
import { createNetworkPolicy } from '../../src/network/policy/create.ts';
import { createMemoryTransport } from './memory-transport.ts';
import { addBridge, addPeer, inOwnNamespace, inside, sh, whyNoNamespace } from './namespace.ts';

const reason = whyNoNamespace();
if (reason !== undefined) test('network policies', { skip: reason }, () => {});
else if (inOwnNamespace(import.meta.filename)) suite();

function suite(): void {
  const client = createClient(createMemoryTransport());
  const informers = createInformerFactory(client);
  const controller = createNetworkPolicy({ informers, nodeName: 'n1', log: silent });
  const children: ChildProcess[] = [];

  const echo = async (netns: string, port: number): Promise<void> => {
    const args = ['netns', 'exec', netns, process.execPath, join(import.meta.dirname, 'echo.ts'), netns, String(port)];
    const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
  };
  const ask = async (from: string | undefined, address: string, port = 8080): Promise<boolean> => {
    const out = await inside(from, `${process.execPath} ${join(import.meta.dirname, 'ask.ts')} ${address} ${port} tcp`);
    return /^\w+ \d/.test(out);
  };
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));
  /** Replaces all policies of the namespace `default`. */
  const setPolicies = async (...specs: NonNullable<NetworkPolicy['spec']>[]): Promise<void> => {
    for (const old of (await client.list(networkpolicies)).items)
      await client.delete(networkpolicies, old.metadata.name ?? '', { namespace: 'default' });
    for (const [i, spec] of specs.entries())
      await client.create(
        networkpolicies,
        { metadata: { name: `p${i}`, namespace: 'default' }, spec },
        { namespace: 'default' },
      );
    await settled();
  };
  const addPod = async (name: string, namespace: string, ip: string): Promise<void> => {
    await addPeer(name, 'cni0', `${ip}/24`, '10.42.0.1');
    const ports = [{ name: 'web', containerPort: 8080 }];
    const pod: Pod = {
      metadata: { name, namespace, labels: { app: name } },
      spec: { nodeName: 'n1', containers: [{ name: 'c', ports }] },
      status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] },
    };
    await client.create(pods, pod, { namespace });
  };

  before(async () => {
    await sh(
      'sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1',
    );
    await addBridge('cni0', '10.42.0.1/24');
    await addBridge('lan', '192.168.50.1/24');
    await addPeer('out', 'lan', '192.168.50.9/24', '192.168.50.1');
    await client.create(namespaces, { metadata: { name: 'default', labels: { team: 'a' } } });
    await client.create(namespaces, { metadata: { name: 'other', labels: { team: 'b' } } });
    await addPod('web', 'default', '10.42.0.2');
    await addPod('good', 'default', '10.42.0.3');
    await addPod('far', 'other', '10.42.0.4');
    for (const [netns, port] of [
      ['web', 8080],
      ['web', 9090],
      ['far', 8080],
      ['out', 8080],
    ] as const)
      await echo(netns, port);
    informers.start();
    await controller.start();
  });
  after(async () => {
    await controller.stop();
    await informers.stop();
    for (const child of children) child.kill();
  });
  /** Who reaches the pod `web` on port 8080. */
  const reach = async (): Promise<string> => {
    const from = ['good', 'far', 'out', undefined] as const;
    const open = await Promise.all(from.map((name) => ask(name, '10.42.0.2')));
    return from
      .filter((_, i) => open[i])
      .map((name) => name ?? 'node')
      .join(' ');
  };
  const web = { matchLabels: { app: 'web' } };

  test('without a policy everything is open and there is no table', async () => {
    assert.equal(await reach(), 'good far out node');
    assert.doesNotMatch(await sh('nft list tables'), /knarr-policy/);
  });

  test('ingress: closed for all but the node, then opened by pod, namespace and address', async () => {
    const ingress = async (...from: NonNullable<NonNullable<NetworkPolicy['spec']>['ingress']>) => {
      await setPolicies({ podSelector: web, policyTypes: ['Ingress'], ingress: from });
      return reach();
    };
    assert.equal(await ingress(), 'node');
    assert.equal(await ingress({}), 'good far out node');
    assert.equal(await ingress({ from: [{ podSelector: { matchLabels: { app: 'good' } } }] }), 'good node');
    assert.equal(await ingress({ from: [{ namespaceSelector: { matchLabels: { team: 'b' } } }] }), 'far node');
    assert.equal(
      await ingress({ from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'far' } } }] }),
      'far node',
    );
    assert.equal(await ingress({ from: [{ ipBlock: { cidr: '192.168.0.0/16' } }] }), 'out node');
    assert.equal(
      await ingress({ from: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.42.0.3/32'] } }] }),
      'far out node',
    );
    assert.equal(await ingress({ ports: [{ port: 9090 }] }), 'node');
    assert.equal(await ingress({ ports: [{ port: 8000, endPort: 8090 }] }), 'good far out node');
    assert.equal(await ingress({ ports: [{ port: 'web' }], from: [{ podSelector: {} }] }), 'good node');
    assert.equal(await ask('good', '10.42.0.2', 9090), false);
  });

  test('policies add up, and label changes are followed', async () => {
    const from = (app: string) => [{ from: [{ podSelector: { matchLabels: { app } } }] }];
    await setPolicies(
      { podSelector: {}, policyTypes: ['Ingress'] },
      { podSelector: web, policyTypes: ['Ingress'], ingress: from('nobody') },
    );
    assert.equal(await reach(), 'node');
    await client.patch(
      pods,
      'good',
      { type: 'merge', body: { metadata: { labels: { app: 'nobody' } } } },
      { namespace: 'default' },
    );
    await settled();
    assert.equal(await reach(), 'good node');
    await client.patch(
      pods,
      'good',
      { type: 'merge', body: { metadata: { labels: { app: 'good' } } } },
      { namespace: 'default' },
    );
  });

  test('egress: closed, then opened by address and by the other pod’s port name', async () => {
    const out = async (...to: NonNullable<NonNullable<NetworkPolicy['spec']>['egress']>) => {
      await setPolicies({ podSelector: { matchLabels: { app: 'good' } }, policyTypes: ['Egress'], egress: to });
      const targets = [
        ['10.42.0.2', 8080],
        ['10.42.0.2', 9090],
        ['10.42.0.4', 8080],
        ['192.168.50.9', 8080],
      ] as const;
      const open = await Promise.all(targets.map(([ip, port]) => ask('good', ip, port)));
      return open.map(Number).join('');
    };
    assert.equal(await out(), '0000');
    assert.equal(await out({ to: [{ podSelector: {} }] }), '1100');
    assert.equal(await out({ to: [{ podSelector: {} }], ports: [{ port: 'web' }] }), '1000');
    assert.equal(await out({ ports: [{ port: 'web' }] }), '1010');
    assert.equal(await out({ to: [{ ipBlock: { cidr: '192.168.50.0/24' } }], ports: [{ protocol: 'TCP' }] }), '0001');
  });

  test('when the last policy goes the table goes', async () => {
    await setPolicies();
    assert.equal(await reach(), 'good far out node');
    assert.doesNotMatch(await sh('nft list tables'), /knarr-policy/);
  });
}
