import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node } from '../../api/gen/core-v1.ts';
import { nodes } from '../../api/gen/resources.ts';
import { createBackoff, delay } from '../../base/abort.ts';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { formatCidr, ipFamily, parseCidr } from '../../base/cidr.ts';
import type { Component } from '../../base/component.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import { run } from '../../base/run.ts';
import { createIpTool, type Link } from '../../host/ip.ts';
import { createIptables } from '../../host/iptables.ts';
import { createNetworkMonitor } from '../../host/network-monitor.ts';
import { createNftTable } from '../../host/nft.ts';
import type { Runner } from '../../host/tools.ts';
import { cniConflist, cniFileName } from '../cni.ts';
import { annotationPatch, type Lease, leasesOf, podCidrsOf } from './annotations.ts';
import { loadNetworkModules, prepareForwarding } from './forwarding.ts';
import { masqueradeRules } from './masquerade.ts';
import type { FlannelBackend, FlannelOptions } from './options.ts';
import { hostGatewayCommands, vxlanCommands } from './peers.ts';
import { subnetEnv } from './subnet-env.ts';
import { ensureVxlanDevice, stableMac } from './vxlan-device.ts';

const backends: readonly FlannelBackend[] = ['vxlan', 'host-gw', 'none'];
/** Outer headers that a pod's packet must leave room for. */
const overhead = { 4: 50, 6: 70 } as const;
/** Events of one cause come together: they are looked at once. */
const settleMs = 50;

/** How the host is reached; tests put themselves into another network namespace with it. */
export interface HostTools {
  runner: Runner;
  monitorCommand: readonly string[];
}

interface Place {
  family: 4 | 6;
  nodeIp: string;
  podCidr: string;
  parent: Link;
  mtu: number;
}

/**
 * The pod network between nodes, as flannel makes it. Runs whenever a node's lease or something of ours in the kernel
 * changes: looks at what is there, adds what lacks and removes what is over, so a restart disturbs nothing. The CNI
 * configuration is written last: from then on the node can run pods.
 */
export function createFlannel(options: FlannelOptions & { hostTools?: HostTools }): Component {
  const { runner = run, monitorCommand = ['ip'] } = options.hostTools ?? {};
  const { client, informers, nodeName, nodeIps, backend, vni = 1, port = 8472, log } = options;
  const { subnetFile = '/run/flannel/subnet.env', ipamDataDir = '/var/lib/cni/networks' } = options;
  if (!backends.includes(backend))
    throw new KnarrError({
      code: 'unsupported',
      blame: 'user',
      message: `Set flannel-backend to one of ${backends.join(', ')}: ${JSON.stringify(backend)} is not supported`,
    });
  const ip = createIpTool({ runner });
  const iptables = createIptables({ runner });
  const monitor = createNetworkMonitor({ log, command: monitorCommand });
  const nodeInformer = informers.informer(nodes);
  const clusterCidrs = options.clusterCidrs.map((cidr) => {
    const parsed = parseCidr(cidr);
    if (!parsed) throw new KnarrError({ code: 'bad-cidr', blame: 'user', message: `Not a network: ${cidr}` });
    return formatCidr(parsed);
  });
  const clusterOf = (family: 4 | 6): string[] => clusterCidrs.filter((c) => c.includes(':') === (family === 6));
  const watch = options.hostTools === undefined;
  const tables = {
    4: createNftTable({ family: 'ip', name: 'knarr-flannel', comment: 'pod network', log, runner, watch }),
    6: createNftTable({ family: 'ip6', name: 'knarr-flannel', comment: 'pod network', log, runner, watch }),
  };
  const lifetime = new AbortController();
  const undo: (() => void)[] = [];
  const deviceName = (family: 4 | 6): string => (family === 4 ? `flannel.${vni}` : `flannel-v6.${vni}`);
  let running: Promise<void> | undefined;
  let again = false;
  let saidWaiting = false;
  /** Begun at start: while the node is being registered there is time for it. */
  let modules: Promise<unknown> | undefined;

  /** Where the overlay stands on in each family that the node has an address and pods in. */
  const findPlaces = (node: Node, links: readonly Link[]): Place[] => {
    const places: Place[] = [];
    for (const podCidr of podCidrsOf(node)) {
      const family = ipFamily(podCidr.split('/')[0] ?? '');
      const nodeIp = nodeIps.find((address) => ipFamily(address) === family);
      if (family === undefined || nodeIp === undefined) continue;
      const parent = links.find(({ ifname, addresses }) =>
        options.iface === undefined ? addresses.some((a) => a.address === nodeIp) : ifname === options.iface,
      );
      if (parent === undefined)
        throw new KnarrError({
          code: 'no-interface',
          blame: 'world',
          message: `No interface has the node's address ${nodeIp}: set --node-ip or --flannel-iface`,
        });
      const mtu = backend === 'vxlan' ? parent.mtu - overhead[family] : parent.mtu;
      places.push({ family, nodeIp, podCidr, parent, mtu });
    }
    return places;
  };

  const connect = async (
    place: Place,
    leases: readonly Lease[],
    links: readonly Link[],
  ): Promise<string | undefined> => {
    const { family, nodeIp, podCidr, parent, mtu } = place;
    const others = leases.filter((l) => l.family === family && l.nodeName !== nodeName && l.podCidr !== podCidr);
    const foreign = others.filter((l) => l.backendType !== backend);
    if (foreign.length > 0)
      log.warn('nodes with another backend are not reached', { nodes: foreign.map((l) => l.nodeName).join(',') });
    const peers = others.filter((l) => l.backendType === backend);
    if (backend === 'host-gw') {
      const routes = await ip.routes(family, ['dev', parent.ifname]);
      const commands = hostGatewayCommands(
        parent.ifname,
        peers,
        { routes, neighbours: [], fdb: [] },
        clusterOf(family),
      );
      await ip.batch(commands.ip);
      return undefined;
    }
    const dev = deviceName(family);
    const wanted = {
      name: dev,
      vni,
      port,
      parent,
      local: nodeIp,
      mtu,
      mac: stableMac(nodeName, dev),
      address: podCidr.split('/')[0] ?? '',
    };
    const { mac, isNew } = await ensureVxlanDevice(
      ip,
      wanted,
      links.find((link) => link.ifname === dev),
    );
    const [routes, neighbours, fdb] = isNew
      ? [[], [], []]
      : await Promise.all([ip.routes(family, ['dev', dev]), ip.neighbours(family, dev), ip.fdb(dev)]);
    const commands = vxlanCommands(dev, peers, { routes, neighbours, fdb });
    await ip.bridgeBatch(commands.bridge);
    await ip.batch(commands.ip);
    return mac;
  };

  /** Docker and firewalls of distributions drop what is forwarded and not theirs. */
  const letForward = async (family: 4 | 6): Promise<void> => {
    const policy = await iptables.policy(family, 'FORWARD');
    if (policy === undefined || policy === 'ACCEPT') return;
    const rules = clusterOf(family).flatMap((cidr) => [
      ['-s', cidr, '-j', 'ACCEPT'],
      ['-d', cidr, '-j', 'ACCEPT'],
    ]);
    await iptables.ensureChain(family, { chain: 'KNARR-FORWARD', from: 'FORWARD', rules });
  };

  const writeIfChanged = async (path: string, text: string): Promise<void> => {
    const now = await readFile(path, 'utf8').catch(() => undefined);
    if (now !== text) await writeFileAtomic(path, text);
  };

  const hasPlugin = async (name: string): Promise<boolean> => {
    const found = await Promise.all(
      options.cniBinDirs.map((dir) =>
        access(join(dir, name)).then(
          () => true,
          () => false,
        ),
      ),
    );
    return found.includes(true);
  };

  const writeFiles = async (places: readonly Place[]): Promise<void> => {
    const mtu = Math.min(...places.map((p) => p.mtu));
    const conflist = options.cniConfFile
      ? await readFile(options.cniConfFile, 'utf8')
      : `${JSON.stringify(
          cniConflist({
            podCidrs: places.map((p) => p.podCidr),
            clusterCidrs: clusterCidrs.filter((c) => places.some((p) => c.includes(':') === (p.family === 6))),
            mtu,
            ipamDataDir,
            bandwidth: await hasPlugin('bandwidth'),
          }),
          null,
          2,
        )}\n`;
    await writeIfChanged(subnetFile, subnetEnv({ clusterCidrs, podCidrs: places.map((p) => p.podCidr), mtu }));
    await writeIfChanged(join(options.cniConfDir, cniFileName), conflist);
  };

  const reconcile = async (): Promise<void> => {
    const node = nodeInformer.get(nodeName);
    if (node === undefined || podCidrsOf(node).length === 0) {
      if (!saidWaiting) log.info('waits for the pod network of this node', { node: nodeName });
      saidWaiting = true;
      return;
    }
    modules ??= loadNetworkModules();
    const [links] = await Promise.all([ip.links(), modules]);
    const places = findPlaces(node, links);
    if (places.length === 0)
      throw new KnarrError({
        code: 'no-family',
        blame: 'user',
        message: `The node's addresses (${nodeIps.join(', ')}) and its pod networks (${podCidrsOf(node).join(', ')}) have no family in common`,
      });
    const bridgeIsSeen = await prepareForwarding(
      places.map(({ family, parent }) => ({ family, iface: parent.ifname })),
    );
    const leases = nodeInformer.list().flatMap(leasesOf);
    const setUp = async (place: Place): Promise<{ family: 4 | 6; ip: string; mac: string | undefined }> => {
      const { family, podCidr } = place;
      tables[family].put(
        'masquerade',
        masqueradeRules({
          family,
          podCidr,
          clusterCidrs: clusterOf(family),
          outbound: family === 4 || options.ipv6Masquerade === true,
          translateOnBridge: !bridgeIsSeen[family],
        }),
      );
      const [mac] = await Promise.all([connect(place, leases, links), tables[family].sync()]);
      return { family, ip: place.nodeIp, mac };
    };
    const own = await Promise.all(places.map(setUp));
    const annotations = annotationPatch(node, { backendType: backend, vni, own });
    await Promise.all([
      annotations && client.patch(nodes, nodeName, { type: 'merge', body: { metadata: { annotations } } }),
      writeFiles(places),
    ]);
    for (const { family } of places) await letForward(family);
    log.debug('the pod network is as wanted', { peers: leases.length });
  };

  const loop = async (): Promise<void> => {
    const backoff = createBackoff({ initialMs: 500, maxMs: 30_000 });
    do {
      again = false;
      try {
        await reconcile();
        backoff.reset();
        await delay(settleMs, lifetime.signal);
      } catch (error) {
        if (lifetime.signal.aborted) break;
        log.error('the pod network could not be set up', { error: messageOf(error) });
        again = true;
        await delay(backoff.next(), lifetime.signal);
      }
    } while (again && !lifetime.signal.aborted);
    running = undefined;
  };
  const trigger = (): void => {
    again = true;
    running ??= delay(settleMs, lifetime.signal).then(loop);
  };

  const leaseText = (node: Node): string => JSON.stringify([leasesOf(node), podCidrsOf(node)]);
  /** Something of ours went away, or the interface below it changed; pods come and go without a look. */
  const concernsUs = (line: string): boolean => {
    if (line === '') return true; // changes were missed
    const iface = options.iface === undefined ? [] : [options.iface];
    const names = [deviceName(4), deviceName(6), ...iface, ...nodeIps];
    return names.some((name) => line.includes(name)) && /Deleted|state|inet/.test(line);
  };

  return {
    name: 'flannel',
    async start() {
      if (backend === 'none') return;
      modules ??= loadNetworkModules();
      await nodeInformer.synced;
      await monitor.start();
      undo.push(
        nodeInformer.addHandler({
          add: trigger,
          update: (node, old) => {
            if (leaseText(node) !== leaseText(old)) trigger();
          },
          delete: trigger,
        }),
        monitor.onChange((_change, line) => {
          if (concernsUs(line)) trigger();
        }),
      );
      trigger();
    },
    async stop() {
      lifetime.abort();
      for (const off of undo.splice(0)) off();
      await running;
      tables[4].close();
      tables[6].close();
      await monitor.stop();
    },
  };
}
