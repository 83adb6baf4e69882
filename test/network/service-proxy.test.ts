import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Service } from '../../src/api/gen/core-v1.ts';
import type { EndpointSlice } from '../../src/api/gen/discovery-v1.ts';
import { endpointslices, nodes, services } from '../../src/api/gen/resources.ts';
import { eventually } from '../../src/base/eventually.ts';
import { silent } from '../../src/base/log.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createInformerFactory } from '../../src/client/informer.ts';
import { createServiceProxy } from '../../src/network/service-proxy/create.ts';
import { createMemoryTransport } from './memory-transport.ts';
import { addBridge, addPeer, inOwnNamespace, inside, sh, whyNoNamespace } from './namespace.ts';

const reason = whyNoNamespace();
if (reason !== undefined) test('services through nftables', { skip: reason }, () => {});
else if (inOwnNamespace(import.meta.filename)) suite();

interface Target {
  ip: string;
  node?: string;
  ready?: boolean;
  serving?: boolean;
  terminating?: boolean;
}

function suite(): void {
  const client = createClient(createMemoryTransport());
  const informers = createInformerFactory(client);
  const proxy = createServiceProxy({
    informers,
    nodeName: 'n1',
    nodeIps: ['192.168.50.1', 'fd50::1'],
    clusterCidrs: ['10.42.0.0/16', 'fd42::/56'],
    serviceCidrs: ['10.43.0.0/16', 'fd43::/112'],
    ownAddresses: ['10.43.0.10'],
    healthzPort: 10256,
    log: silent,
  });
  const children: ChildProcess[] = [];

  const echo = async (netns: string, name: string): Promise<void> => {
    const child = spawn(
      'ip',
      ['netns', 'exec', netns, process.execPath, join(import.meta.dirname, 'echo.ts'), name, '8080'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
  };
  const service = async (
    name: string,
    clusterIP: string,
    spec: Service['spec'],
    targets: Target[],
    status?: Service['status'],
  ): Promise<void> => {
    await client.create(
      services,
      {
        metadata: { name, namespace: 'default' },
        spec: {
          clusterIP,
          clusterIPs: [clusterIP],
          type: 'ClusterIP',
          ports: [
            { port: 80, protocol: 'TCP' },
            { name: 'u', port: 80, protocol: 'UDP' },
          ],
          ...spec,
        },
        ...(status ? { status } : {}),
      },
      { namespace: 'default' },
    );
    await client.create(endpointslices, slice(name, targets), { namespace: 'default' });
  };
  const slice = (name: string, targets: Target[]): EndpointSlice => ({
    metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: targets[0]?.ip.includes(':') ? 'IPv6' : 'IPv4',
    ports: [
      { name: '', port: 8080, protocol: 'TCP' },
      { name: 'u', port: 8080, protocol: 'UDP' },
    ],
    endpoints: targets.map(({ ip, node = 'n1', ready = true, serving = ready, terminating = false }) => ({
      addresses: [ip],
      nodeName: node,
      conditions: { ready, serving, terminating },
    })),
  });
  const setTargets = async (name: string, targets: Target[]): Promise<void> => {
    await client.update(endpointslices, slice(name, targets), { namespace: 'default' });
    await settled();
  };
  /** What a connection is answered: who it came to and whom that saw; `refused` or `timeout` otherwise. */
  const ask = async (from: string | undefined, ip: string, port = 80, udp = false, sourcePort = 0): Promise<string> => {
    const script = join(import.meta.dirname, 'ask.ts');
    const out = await inside(from, `${process.execPath} ${script} ${ip} ${port} ${udp ? 'udp' : 'tcp'} ${sourcePort}`);
    return out.trim();
  };
  let marks = 0;
  /** Waits until what was changed before counts: changes are followed in order, and this one is the last. */
  const settled = async (): Promise<void> => {
    marks += 1;
    const mark = `10.43.200.${marks}`;
    await service(`mark-${marks}`, mark, {}, [{ ip: '10.42.0.11' }]);
    await eventually('the rules', async () => assert.match(await ask(undefined, mark), /^pod1/));
  };

  before(async () => {
    await sh(
      'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1',
    );
    await addBridge('cni0', '10.42.0.1/24', 'fd42::1/64');
    await addBridge('lan', '192.168.50.1/24', 'fd50::1/64');
    await addPeer('pod1', 'cni0', '10.42.0.11/24', '10.42.0.1');
    await addPeer('pod2', 'cni0', '10.42.0.12/24', '10.42.0.1');
    await sh(
      'ip -n pod1 addr add fd42::11/64 dev eth0 nodad; ip -n pod1 route add default via fd42::1; ip -n pod2 addr add fd42::12/64 dev eth0 nodad; ip -n pod2 route add default via fd42::1',
    );
    await addPeer('out', 'lan', '192.168.50.9/24', '192.168.50.1');
    await sh('ip link set pod1-h type bridge_slave hairpin on; ip link set pod2-h type bridge_slave hairpin on');
    await echo('pod1', 'pod1');
    await echo('pod2', 'pod2');
    await client.create(nodes, { metadata: { name: 'n1' } });
    await service('one', '10.43.0.1', {}, [{ ip: '10.42.0.11' }]);
    informers.informer(services);
    await Promise.all([informers.start(), proxy.start()]);
  });
  after(async () => {
    await proxy.stop();
    await informers.stop();
    for (const child of children) child.kill();
  });

  test('a cluster address is reached from a pod, from the node without a default route, and from itself', async () => {
    assert.equal(await ask('pod2', '10.43.0.1'), 'pod1 10.42.0.12');
    assert.match(await ask(undefined, '10.43.0.1'), /^pod1 /);
    assert.equal(await ask('pod1', '10.43.0.1'), 'pod1 10.42.0.1');
    assert.equal(await ask('pod2', '10.43.0.1', 80, true), 'pod1 10.42.0.12');
  });

  test('what comes from outside the cluster to a cluster address is masqueraded', async () => {
    assert.equal(await ask('out', '10.43.0.1'), 'pod1 10.42.0.1');
  });

  test('traffic is spread over endpoints, and changes of endpoints are followed', async () => {
    await service('two', '10.43.0.2', {}, [{ ip: '10.42.0.11' }, { ip: '10.42.0.12' }]);
    await settled();
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) seen.add((await ask(undefined, '10.43.0.2')).split(' ')[0] ?? '');
    assert.deepStrictEqual([...seen].sort(), ['pod1', 'pod2']);
    await setTargets('two', [{ ip: '10.42.0.12' }]);
    for (let i = 0; i < 5; i++) assert.match(await ask(undefined, '10.43.0.2'), /^pod2/);
  });

  test('no endpoint: refused; unknown port: refused; unused cluster address: nothing', async () => {
    await service('none', '10.43.0.3', {}, []);
    await settled();
    for (const from of ['pod1', undefined, 'out']) {
      assert.match(await ask(from, '10.43.0.3'), /refused/, `${from}`);
      assert.match(await ask(from, '10.43.0.1', 81), /refused/);
    }
    assert.match(await ask('pod1', '10.43.9.9'), /^timeout/);
  });

  test('endpoints that are ending serve when there is no other', async () => {
    await service('ending', '10.43.0.4', {}, [
      { ip: '10.42.0.11', ready: false, serving: true, terminating: true },
      { ip: '10.42.0.12', ready: false, serving: false, terminating: true },
    ]);
    await settled();
    for (let i = 0; i < 4; i++) assert.match(await ask(undefined, '10.43.0.4'), /^pod1/);
  });

  test('node ports: every local address, masqueraded; policy Local keeps the client and answers nothing without endpoints here', async () => {
    const ports = [{ port: 80, nodePort: 30080, protocol: 'TCP' }];
    await service('np', '10.43.0.5', { type: 'NodePort', ports }, [{ ip: '10.42.0.12' }]);
    const local = [{ port: 80, nodePort: 30081, protocol: 'TCP' }];
    await service('npl', '10.43.0.6', { type: 'NodePort', ports: local, externalTrafficPolicy: 'Local' }, [
      { ip: '10.42.0.12' },
      { ip: '10.42.1.99', node: 'n2' },
    ]);
    await settled();
    assert.equal(await ask('out', '192.168.50.1', 30080), 'pod2 10.42.0.1');
    assert.equal(await ask('pod1', '192.168.50.1', 30080), 'pod2 10.42.0.1');
    assert.match(await ask(undefined, '192.168.50.1', 30080), /^pod2/);
    assert.equal(await ask('out', '192.168.50.1', 30081), 'pod2 192.168.50.9');
    await setTargets('npl', [{ ip: '10.42.0.12', node: 'n2' }]);
    assert.match(await ask('out', '192.168.50.1', 30081), /^timeout/);
    assert.match(await ask('pod1', '192.168.50.1', 30081), /^pod2/);
  });

  test('external and load-balancer addresses, source ranges, the health port', async () => {
    await service(
      'lb',
      '10.43.0.7',
      {
        type: 'LoadBalancer',
        externalIPs: ['203.0.113.5'],
        ports: [{ port: 8088, protocol: 'TCP' }],
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 31999,
        loadBalancerSourceRanges: ['192.168.50.0/28'],
      },
      [{ ip: '10.42.0.11' }],
      { loadBalancer: { ingress: [{ ip: '192.168.50.1' }] } },
    );
    await service(
      'shut',
      '10.43.0.8',
      {
        type: 'LoadBalancer',
        ports: [{ port: 8089, protocol: 'TCP' }],
        loadBalancerSourceRanges: ['198.51.100.0/24'],
      },
      [{ ip: '10.42.0.11' }],
      { loadBalancer: { ingress: [{ ip: '192.168.50.1' }] } },
    );
    await settled();
    assert.equal(await ask('out', '192.168.50.1', 8088), 'pod1 192.168.50.9');
    assert.equal(await ask('out', '203.0.113.5', 8088), 'pod1 192.168.50.9');
    assert.match(await ask('out', '192.168.50.1', 8089), /^timeout/);
    const answer = await fetch('http://127.0.0.1:31999/');
    assert.deepStrictEqual(
      [answer.status, await answer.json()],
      [200, { service: { namespace: 'default', name: 'lb' }, localEndpoints: 1, serviceProxyHealthy: true }],
    );
    await setTargets('lb', [{ ip: '10.42.0.11', node: 'n2' }]);
    assert.equal((await fetch('http://127.0.0.1:31999/')).status, 503);
    assert.equal((await fetch('http://127.0.0.1:10256/healthz')).status, 200);
  });

  test('a client stays with its endpoint while affinity lasts', async () => {
    await service(
      'sticky',
      '10.43.0.9',
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } },
      [{ ip: '10.42.0.11' }, { ip: '10.42.0.12' }],
    );
    await settled();
    const first = await ask(undefined, '10.43.0.9');
    assert.match(first, /^pod[12] /);
    for (let i = 0; i < 8; i++) assert.equal((await ask(undefined, '10.43.0.9')).split(' ')[0], first.split(' ')[0]);
  });

  test('a UDP flow of one client follows when its endpoint goes', async () => {
    await service('udp', '10.43.0.20', {}, [{ ip: '10.42.0.11' }]);
    await settled();
    const flow = (): Promise<string> => ask('pod2', '10.43.0.20', 80, true, 5555);
    assert.match(await flow(), /^pod1/);
    await setTargets('udp', [{ ip: '10.42.0.11', ready: false }]);
    assert.match(await flow(), /refused|^timeout/);
    assert.doesNotMatch(
      await inside(undefined, 'conntrack -L -p udp --orig-dst 10.43.0.20 2>/dev/null'),
      /src=10\.42\.0\.11/,
    );
  });

  test('IPv6', async () => {
    await service('six', 'fd43::6', {}, [{ ip: 'fd42::11' }]);
    await settled();
    assert.equal(await ask('pod2', 'fd43::6'), 'pod1 fd42::12');
    assert.match(await ask(undefined, 'fd43::6'), /^pod1/);
  });

  test('the cluster DNS address is left alone', async () => {
    await sh('ip addr add 10.43.0.10/32 dev lo scope host');
    await service('kube-dns', '10.43.0.10', {}, []);
    await settled();
    const child = spawn(process.execPath, [join(import.meta.dirname, 'echo.ts'), 'dns', '53', '10.43.0.10'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    assert.equal(await ask('pod1', '10.43.0.10', 53, true), 'dns 10.42.0.11');
    assert.match(await ask(undefined, '10.43.0.10', 53), /^dns/);
  });

  test('rules that somebody flushes come back', async () => {
    await sh('nft flush ruleset');
    await eventually('the rules', async () => assert.equal(await ask('pod2', '10.43.0.1'), 'pod1 10.42.0.12'));
  });

  test('a deleted service leaves nothing', async () => {
    await client.delete(services, 'sticky', { namespace: 'default' });
    await settled();
    assert.doesNotMatch(await sh('nft list table ip knarr-proxy'), /sticky/);
  });
}
