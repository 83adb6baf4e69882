import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-file.ts';
import type { Component } from '../base/component.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import type { InformerFactory } from '../client/informer.ts';
import { createDns } from '../dns/create.ts';
import { createKubelet, type Kubelet } from '../kubelet/create.ts';
import { createFlannel } from '../network/flannel/create.ts';
import { createNetworkPolicy } from '../network/policy/create.ts';
import { createServiceProxy } from '../network/service-proxy/create.ts';
import type { KeyPair } from '../pki/certificate.ts';
import { keyToPem } from '../pki/keys.ts';
import { fileKubeconfig } from '../pki/kubeconfig.ts';
import { createClusterConfig } from './cluster-config.ts';
import { type ContainerRuntime, createRuntime } from './containerd/create.ts';
import type { ClusterSettings } from './join/cluster-settings.ts';
import { type Cluster, ensureNodeCertificates } from './join/node-identity.ts';
import type { NodeConfig } from './node-config.ts';
import type { Paths } from './paths.ts';
import { kubeletPort } from './ports.ts';
import { createRenewal } from './server-certificates.ts';
import { createStack, type Stack } from './stack.ts';
import { createNodeUpgrades } from './upgrade/node-upgrades.ts';
import { nameOfVersion } from './version.ts';

export interface NodeOptions {
  config: NodeConfig;
  paths: Paths;
  bindAddress: string;
  /** Where this machine's programs reach the API. */
  server: string;
  cluster: Cluster;
  /** Started already: it needs nothing of the cluster, and takes longest. */
  runtime: Promise<ContainerRuntime>;
  /** Acts as `system:node:<name>`; made when the node's certificates are there. */
  kubeletClient(certificates: NodeCertificates): Client;
  /** Services, endpoints, nodes, policies: for the network's parts. */
  network(certificates: NodeCertificates): { client: Client; informers: InformerFactory };
  /** More parts that need the certificates (the agent's tunnels). */
  extra?(certificates: NodeCertificates, settings: ClusterSettings): readonly Component[];
  onRenewed?(): void;
  log: Logger;
}

export interface NodeCertificates {
  /** The current pair of one of `nodeLeaves`. */
  leaf(name: string): KeyPair;
}

const pem = ({ certificate, key }: KeyPair): { cert: string; key: string } => ({
  cert: certificate,
  key: keyToPem(key),
});

interface Prepared {
  settings: ClusterSettings;
  certificates: NodeCertificates & { renew(): Promise<void> };
  runtime: ContainerRuntime;
}

async function loadCertificates(options: NodeOptions): Promise<Prepared['certificates']> {
  const { config, paths, cluster } = options;
  const load = () =>
    ensureNodeCertificates({
      folder: paths.agent.root,
      nodeName: config.nodeName,
      addresses: [...config.nodeIps, ...config.externalIps],
      cluster,
    });
  let pairs = await load();
  return {
    leaf(name) {
      const pair = pairs.get(name);
      if (pair === undefined) throw new Error(`a node has no certificate ${name}`);
      return pair;
    },
    async renew() {
      pairs = await load();
    },
  };
}

function assembleKubelet(options: NodeOptions, { settings, certificates, runtime }: Prepared): Kubelet {
  const { config, paths, cluster, bindAddress, log } = options;
  const { tls, ...kubelet } = config.kubelet;
  return createKubelet({
    nodeName: config.nodeName,
    nodeIPs: config.nodeIps,
    externalIPs: config.externalIps,
    providerId: `k3s://${config.nodeName}`,
    client: options.kubeletClient(certificates),
    criEndpoint: runtime.endpoint,
    rootDir: paths.agent.kubelet,
    podLogsDir: paths.agent.podLogs,
    containerLogsDir: paths.agent.containerLogs,
    staticPodDir: paths.agent.staticPods,
    server: {
      host: bindAddress,
      port: kubeletPort,
      ...pem(certificates.leaf('serving-kubelet')),
      clientCa: cluster.clientCa,
      ...(tls === undefined ? {} : { tls }),
    },
    healthz: { host: '127.0.0.1', port: 10248 },
    clusterDns: settings.ClusterDNSs,
    clusterDomain: settings.ClusterDomain,
    ...(config.resolvConf === undefined ? {} : { resolvConf: config.resolvConf }),
    cgroups: { driver: runtime.host.cgroupDriver },
    nodeLabels: config.labels,
    nodeAnnotations: config.annotations,
    nodeTaints: config.taints,
    version: nameOfVersion,
    log,
    ...kubelet,
  });
}

/** Is where the machine is an image of Knarr. */
const machineProgram = '/usr/lib/knarr/os.mjs';

/** What carries the traffic of pods and services on this node. */
function networkParts(options: NodeOptions, { settings, certificates, runtime }: Prepared): Component[] {
  const { config, paths, log } = options;
  const { nodeName, nodeIps } = config;
  const { client, informers } = options.network(certificates);
  const { ClusterIPRanges: clusterCidrs, ServiceIPRanges: serviceCidrs, ClusterDNSs: clusterDns } = settings;
  const dns = createDns({
    informers,
    nodeName,
    clusterDomain: settings.ClusterDomain,
    clusterDns,
    serviceCidrs,
    clusterCidrs,
    ...(config.resolvConf === undefined ? {} : { resolvConf: config.resolvConf }),
    log: log.child('dns'),
  });
  const proxy = createServiceProxy({
    informers,
    nodeName,
    nodeIps,
    clusterCidrs,
    serviceCidrs,
    ownAddresses: settings.DisableCoreDNS ? [] : clusterDns,
    ...config.proxy,
    log: log.child('proxy'),
  });
  const policy = createNetworkPolicy({ informers, nodeName, log: log.child('policy') });
  const flannel = createFlannel({
    client,
    informers,
    nodeName,
    nodeIps: config.nodeIps,
    clusterCidrs,
    backend: settings.FlannelBackend,
    ...(config.flannelIface === undefined ? {} : { iface: config.flannelIface }),
    ipv6Masquerade: settings.FlannelIPv6Masq,
    cniConfDir: paths.agent.cniConf,
    cniBinDirs: [runtime.cniBinDir],
    ...(config.flannelCniConf === undefined ? {} : { cniConfFile: config.flannelCniConf }),
    log: log.child('flannel'),
  });
  const upgrades = createNodeUpgrades({
    client,
    informers,
    nodeName,
    daemonVersion: nameOfVersion,
    log: log.child('upgrades'),
  });
  const clusterConfig = createClusterConfig({ client, nodeName, log: log.child('cluster-config') });
  return [
    ...(process.getuid?.() === 0 ? [upgrades] : []),
    ...(existsSync(machineProgram) ? [clusterConfig] : []),
    ...(settings.DisableCoreDNS ? [] : [dns]),
    ...(settings.DisableKubeProxy ? [] : [proxy]),
    ...(settings.DisableNPC ? [] : [policy]),
    ...(settings.FlannelBackend === 'none' ? [] : [flannel]),
  ];
}

/** By which the machine's own programs, such as the health gate, act as this node. */
async function writeNodeKubeconfig({ paths, server }: NodeOptions): Promise<void> {
  const { root, kubeletKubeconfig } = paths.agent;
  const text = fileKubeconfig({
    server,
    certificateAuthorityFile: join(root, 'server-ca.crt'),
    clientCertificateFile: join(root, 'client-kubelet.crt'),
    clientKeyFile: join(root, 'client-kubelet.key'),
  });
  await writeFileAtomic(kubeletKubeconfig, text, { mode: 0o600 });
}

/** Starts this node's container runtime, on `stack`. */
export function startRuntime(
  options: Pick<NodeOptions, 'config' | 'paths' | 'log'>,
  stack: Stack,
): Promise<ContainerRuntime> {
  const { config, paths, log } = options;
  const started = stack.run(createRuntime({ config: config.runtime, paths: paths.agent, log: log.child('runtime') }));
  started.catch(() => {}); // whoever waits for it is told
  return started;
}

/** A machine as a node: kubelet and network on its runtime, on a server as on an agent. */
export function createNode(options: NodeOptions): Component {
  const { log } = options;
  let stack: Stack | undefined;

  const renewal = (prepared: Prepared, kubelet: Kubelet): Component =>
    createRenewal({
      async renew() {
        await prepared.certificates.renew();
        kubelet.setServingCertificate(pem(prepared.certificates.leaf('serving-kubelet')));
        options.onRenewed?.();
      },
      log,
    });

  return {
    name: 'node',
    async start() {
      const running = createStack(log);
      stack = running;
      const [settings, certificates, runtime] = await Promise.all([
        options.cluster.settings(),
        loadCertificates(options),
        options.runtime,
      ]);
      await writeNodeKubeconfig(options);
      const prepared = { settings, certificates, runtime };
      const kubelet = assembleKubelet(options, prepared);
      // None of them waits for another: the kubelet says what it lacks until the network is there.
      const parts = [...networkParts(options, prepared), kubelet, ...(options.extra?.(certificates, settings) ?? [])];
      await Promise.all(parts.map((part) => running.run(part)));
      await running.run(renewal(prepared, kubelet));
    },
    async stop() {
      await stack?.stop();
    },
  };
}
