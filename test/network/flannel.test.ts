import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { nodes } from '../../src/api/gen/resources.ts';
import type { Component } from '../../src/base/component.ts';
import { eventually } from '../../src/base/eventually.ts';
import { silent } from '../../src/base/log.ts';
import { run } from '../../src/base/run.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createInformerFactory } from '../../src/client/informer.ts';
import { createFlannel, type HostTools } from '../../src/network/flannel/create.ts';
import type { FlannelBackend } from '../../src/network/flannel/options.ts';
import { createMemoryTransport } from './memory-transport.ts';
import { addBridge, inOwnNamespace, inside, sh, whyNoNamespace } from './namespace.ts';

const reason = whyNoNamespace();
if (reason !== undefined) test('the pod network between two nodes', { skip: reason }, () => {});
else if (inOwnNamespace(import.meta.filename)) suite();

function suite(): void {
  const children: ChildProcess[] = [];
  const started: Component[] = [];
  let folder = '';
  const client = createClient(createMemoryTransport());
  const informers = createInformerFactory(client);

  const toolsIn = (netns: string): HostTools => ({
    runner: (program, args, options) => run('ip', ['netns', 'exec', netns, program, ...args], options),
    monitorCommand: ['ip', 'netns', 'exec', netns, 'ip'],
  });
  const flannelOf = (name: string, index: number, backend: FlannelBackend, hostTools?: HostTools): Component =>
    createFlannel({
      client,
      informers,
      nodeName: name,
      nodeIps: [`192.168.60.${index}`, `fd60::${index}`],
      clusterCidrs: ['10.42.0.0/16', 'fd42::/56'],
      backend,
      cniConfDir: join(folder, name),
      cniBinDirs: [],
      subnetFile: join(folder, `${name}.env`),
      log: silent,
      ...(hostTools ? { hostTools } : {}),
    });
  /** A node's bridge and a pod on it, as the CNI plugins would make them. */
  const addPod = (node: string, pod: string, index: number): Promise<string> =>
    sh(`set -e
      n="ip -n ${node}"
      $n link add cni0 type bridge; $n link set cni0 up
      $n addr add 10.42.${index}.1/24 dev cni0; $n addr add fd42:0:0:${index}::1/64 dev cni0 nodad
      ip netns add ${pod}
      $n link add ${pod}-h type veth peer name eth0 netns ${pod}
      $n link set ${pod}-h master cni0 up
      ip -n ${pod} addr add 10.42.${index}.5/24 dev eth0; ip -n ${pod} addr add fd42:0:0:${index}::5/64 dev eth0 nodad
      ip -n ${pod} link set eth0 up; ip -n ${pod} link set lo up
      ip -n ${pod} route add default via 10.42.${index}.1; ip -n ${pod} route add default via fd42:0:0:${index}::1
      ip netns exec ${node} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`);
  const ask = async (from: string, address: string): Promise<string> =>
    (await inside(from, `${process.execPath} ${join(import.meta.dirname, 'ask.ts')} ${address} 8080 tcp`)).trim();
  const echo = async (netns: string): Promise<void> => {
    const args = ['netns', 'exec', netns, process.execPath, join(import.meta.dirname, 'echo.ts'), netns, '8080'];
    const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'knarr-flannel-'));
    await addBridge('wire');
    for (const [index, node] of ['na', 'nb'].entries()) {
      await sh(`set -e
        ip netns add ${node}
        ip link add ${node}-h type veth peer name eth0 netns ${node}
        ip link set ${node}-h master wire up
        ip -n ${node} link set lo up; ip -n ${node} link set eth0 up
        ip -n ${node} addr add 192.168.60.${index + 1}/24 dev eth0
        ip -n ${node} addr add fd60::${index + 1}/64 dev eth0 nodad`);
      await addPod(node, `pod-${node}`, index);
      await echo(`pod-${node}`);
      await client.create(nodes, {
        metadata: { name: node },
        spec: { podCIDR: `10.42.${index}.0/24`, podCIDRs: [`10.42.${index}.0/24`, `fd42:0:0:${index}::/64`] },
      });
    }
    await echo('na');
    // As on a machine with Docker.
    await sh('ip netns exec nb iptables -P FORWARD DROP && ip netns exec nb ip6tables -P FORWARD DROP');
    for (const [index, node] of ['na', 'nb'].entries())
      started.push(flannelOf(node, index + 1, 'vxlan', toolsIn(node)));
    informers.start();
    for (const component of started) await component.start();
  });
  after(async () => {
    for (const component of started) await component.stop();
    await informers.stop();
    for (const child of children) child.kill();
    await sh(`rm -r ${folder}`);
  });

  test('pods of two nodes reach each other with their own addresses, in both families', async () => {
    await eventually('the change', async () => assert.equal(await ask('pod-na', '10.42.1.5'), 'pod-nb 10.42.0.5'));
    await eventually('the change', async () => assert.equal(await ask('pod-nb', 'fd42::5'), 'pod-na fd42:0:0:1::5'));
  });

  test('a node reaches pods of another from the overlay, and pods reach other machines as their node', async () => {
    assert.equal(await ask('nb', '10.42.0.5'), 'pod-na 10.42.1.0');
    assert.equal(await ask('pod-nb', '192.168.60.1'), 'na 192.168.60.2');
  });

  test('annotations as flannel writes them, the CNI list and subnet.env', async () => {
    const node = await client.get(nodes, 'na');
    const mac = JSON.parse(await sh('ip -n na -j link show flannel.1'))[0].address;
    const mac6 = JSON.parse(await sh('ip -n na -j link show flannel-v6.1'))[0].address;
    assert.deepStrictEqual(node.metadata.annotations, {
      'flannel.alpha.coreos.com/kube-subnet-manager': 'true',
      'flannel.alpha.coreos.com/backend-type': 'vxlan',
      'flannel.alpha.coreos.com/backend-data': `{"VNI":1,"VtepMAC":"${mac}"}`,
      'flannel.alpha.coreos.com/public-ip': '192.168.60.1',
      'flannel.alpha.coreos.com/backend-v6-data': `{"VNI":1,"VtepMAC":"${mac6}"}`,
      'flannel.alpha.coreos.com/public-ipv6': 'fd60::1',
    });
    assert.equal(
      await readFile(join(folder, 'na.env'), 'utf8'),
      'FLANNEL_NETWORK=10.42.0.0/16\nFLANNEL_SUBNET=10.42.0.1/24\nFLANNEL_IPV6_NETWORK=fd42::/56\nFLANNEL_IPV6_SUBNET=fd42::1/64\nFLANNEL_MTU=1430\nFLANNEL_IPMASQ=true\n',
    );
    const list = JSON.parse(await readFile(join(folder, 'na', '10-flannel.conflist'), 'utf8'));
    assert.deepStrictEqual(
      list.plugins.map((p: { type: string }) => p.type),
      ['bridge', 'portmap'],
    );
    assert.deepStrictEqual(list.plugins[0].ipam.ranges, [[{ subnet: '10.42.0.0/24' }], [{ subnet: 'fd42::/64' }]]);
  });

  test('what someone takes away comes back', async () => {
    await sh('ip -n na route del 10.42.1.0/24');
    await eventually('the change', async () => assert.equal(await ask('pod-na', '10.42.1.5'), 'pod-nb 10.42.0.5'));
    await sh('ip -n na link del flannel.1');
    await eventually('the change', async () => assert.equal(await ask('pod-na', '10.42.1.5'), 'pod-nb 10.42.0.5'));
  });

  test('a restart changes nothing, and idle means idle', async () => {
    const before = await sh(
      'ip -n na -d link show flannel.1; ip -n na route; ip -n na neigh show dev flannel.1; bridge -n na fdb show dev flannel.1',
    );
    await started.shift()?.stop();
    let calls = 0;
    const { runner, monitorCommand } = toolsIn('na');
    const counting: HostTools = {
      monitorCommand,
      runner: (...call) => {
        calls += 1;
        return runner(...call);
      },
    };
    const again = flannelOf('na', 1, 'vxlan', counting);
    started.unshift(again);
    await again.start();
    await eventually('quiet', async () => {
      const before = calls;
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.ok(calls > 0);
      assert.equal(calls, before);
    });
    const now = await sh(
      'ip -n na -d link show flannel.1; ip -n na route; ip -n na neigh show dev flannel.1; bridge -n na fdb show dev flannel.1',
    );
    assert.equal(now, before);
  });

  test('a node that leaves is forgotten', async () => {
    await client.delete(nodes, 'nb');
    await eventually('the change', async () => {
      const held = await sh(
        'ip -n na route show dev flannel.1; ip -n na neigh show dev flannel.1; bridge -n na fdb show dev flannel.1',
      );
      assert.equal(held.trim(), '');
    });
  });

  test('host-gw: routes through the nodes themselves', async () => {
    for (const component of started.splice(0)) await component.stop();
    await sh('ip -n na link del flannel.1; ip -n nb link del flannel.1');
    await client.create(nodes, { metadata: { name: 'nb' }, spec: { podCIDRs: ['10.42.1.0/24', 'fd42:0:0:1::/64'] } });
    for (const [index, node] of ['na', 'nb'].entries()) {
      const component = flannelOf(node, index + 1, 'host-gw', toolsIn(node));
      started.push(component);
      await component.start();
    }
    await eventually('the change', async () => assert.equal(await ask('pod-na', '10.42.1.5'), 'pod-nb 10.42.0.5'));
    assert.match(await sh('ip -n na route'), /10\.42\.1\.0\/24 via 192\.168\.60\.2 dev eth0/);
  });
}
