import { mkdir } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { createManifests } from '../addons/manifests/controller.ts';
import { createPlans } from '../addons/plans/controller.ts';
import { createServiceLb } from '../addons/servicelb/create.ts';
import { checkPolicyTypes } from '../apiserver/admission/policy/type-check.ts';
import { signJwt, tokenKey } from '../apiserver/authn/jwt.ts';
import { createApiServer, type KnarrApiServer } from '../apiserver/create.ts';
import type { ApiServerOptions } from '../apiserver/options.ts';
import type { UserInfo } from '../apiserver/server.ts';
import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import { createClient } from '../client/create-client.ts';
import { createInformerFactory, type InformerFactory } from '../client/informer.ts';
import { createControllers } from '../controllers/create.ts';
import { createDnsService } from '../dns/service.ts';
import type { KeyPair } from '../pki/certificate.ts';
import { keyToPem } from '../pki/keys.ts';
import { createScheduler } from '../scheduler/create.ts';
import type { Backend } from '../store/backend.ts';
import { createSqliteBackend } from '../store/sqlite-backend.ts';
import { localUrl, writeKubeconfigs } from './admin-kubeconfig.ts';
import { withSettings } from './apiserver-options.ts';
import { createRoleLabels, ensureClusterObjects, withRoles } from './cluster-objects.ts';
import type { ServerConfig } from './config.ts';
import type { Board } from './console/board.ts';
import { createFeed } from './console/feed.ts';
import type { ContainerRuntime } from './containerd/create.ts';
import { createCsrSigner } from './csr-signer.ts';
import { gates } from './feature-gate-table.ts';
import { createIdentityLease } from './identity-lease.ts';
import { settingsOf } from './join/cluster-settings.ts';
import { localCluster } from './join/local-cluster.ts';
import { ensureNodePassword } from './join/node-identity.ts';
import { createSupervisor, mountSupervisor } from './join/supervisor.ts';
import { checkKernelDefaults } from './kernel-defaults.ts';
import type { NodeConfig } from './node-config.ts';
import { untilNodeReady } from './node-ready.ts';
import { kubeletPort } from './ports.ts';
import { openSecretsEncryption, type SecretsEncryption } from './secrets-encryption.ts';
import { createRenewal, ensureServerCertificates, liveLeaf, type ServerCertificates } from './server-certificates.ts';
import { ensureServerSecrets, type ServerSecrets } from './server-secrets.ts';
import { createStack, type Stack } from './stack.ts';
import { createTunnelServer, type TunnelServer } from './tunnel/server.ts';

const pem = ({ certificate, key }: KeyPair): { cert: string; key: string } => ({
  cert: certificate,
  key: keyToPem(key),
});

const user = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] });

/** What the assembly's steps hand to one another. */
interface Server {
  readonly config: ServerConfig;
  readonly log: Logger;
  readonly stack: Stack;
  readonly certificates: ServerCertificates;
  readonly secrets: ServerSecrets;
  readonly encryption: SecretsEncryption;
  readonly tunnel: TunnelServer;
  readonly api: KnarrApiServer;
  /** As system:masters, in process. */
  readonly client: Client;
  /** Shared by all that runs in this process. */
  readonly informers: InformerFactory;
}

const backendComponent = (backend: Backend): Component => ({
  name: 'datastore',
  start: () => backend.start(),
  stop: () => backend.stop(),
});

async function assembleApi(
  {
    config,
    log,
    certificates,
    encryption,
    tunnel,
  }: Pick<Server, 'config' | 'log' | 'certificates' | 'encryption' | 'tunnel'>,
  backend: Backend,
): Promise<KnarrApiServer> {
  const { authorities } = certificates;
  const usual: ApiServerOptions = {
    log: log.child('api'),
    features: gates,
    moreMetrics: encryption.renderMetrics,
    backend,
    listen: { host: config.bindAddress, port: config.port },
    advertiseAddress: config.advertiseAddress,
    advertisePort: config.advertisePort === 0 ? undefined : config.advertisePort,
    serving: pem(certificates.leaf('serving-kube-apiserver')),
    clientCa: authorities['client-ca'].certificate,
    requestHeader: { ca: authorities['request-header-ca'].certificate, allowedNames: ['system:auth-proxy'] },
    serviceAccounts: {
      signingKey: keyToPem(certificates.serviceAccountKey),
      issuers: [`https://kubernetes.default.svc.${config.clusterDomain}`],
      audiences: [`https://kubernetes.default.svc.${config.clusterDomain}`, 'k3s'],
    },
    signer: pem(authorities['client-ca']),
    serviceCidrs: config.serviceCidrs,
    kubernetesServiceIp: config.apiServiceAddress,
    nodePortRange: config.nodePorts,
    dial: tunnel.dial,
    kubelet: Object.assign(liveLeaf(certificates, 'client-kube-apiserver'), {
      ca: authorities['server-ca'].certificate,
    }),
    proxyClient: liveLeaf(certificates, 'client-auth-proxy'),
  };
  const api = createApiServer(await withSettings(usual, config.api));
  certificates.onRenewed('serving-kube-apiserver', (pair) => api.reloadServing(pem(pair)));
  return api;
}

/** Keys, store and API: everything that must be there before anybody can be answered. */
async function startApi(config: ServerConfig, log: Logger, stack: Stack): Promise<Server> {
  const { database, manifests } = config.paths.server;
  await mkdir(dirname(database), { recursive: true, mode: 0o700 });
  // As soon as there is a cluster people put files there; they are looked at later.
  await mkdir(manifests, { recursive: true, mode: 0o700 });
  const encryption = await openSecretsEncryption({
    folder: config.paths.server.credentials,
    ...config.secretsEncryption,
    own: config.api.encryption,
    log: log.child('encryption'),
  });
  const backend = encryption.wrap(createSqliteBackend({ path: database, log: log.child('store') }));
  const [certificates] = await Promise.all([
    ensureServerCertificates(config, log.child('certificates')),
    stack.run(backendComponent(backend)),
  ]);
  const secrets = await ensureServerSecrets(config, certificates.authorities['server-ca'].certificate);
  const tunnel = createTunnelServer({ kubeletPort, log: log.child('tunnel') });
  const api = await assembleApi({ config, log, certificates, encryption, tunnel }, backend);
  const client = createClient(api.transport(user('system:admin', 'system:masters')));
  const informers = createInformerFactory(client, { log: log.child('informers') });
  await stack.run({ name: 'encryption', start: async () => encryption.start(), stop: () => encryption.stop() });
  const server = { config, log, stack, certificates, secrets, encryption, tunnel, api, client, informers };
  for (const { name, check } of encryption.checks()) api.addCheck(name, check, { health: true });
  mountSupervisor(api, supervisorOf(server));
  await stack.run(api);
  const { advertiseAddress, advertisePort } = config;
  const address = `${isIPv6(advertiseAddress) ? `[${advertiseAddress}]` : advertiseAddress}:${advertisePort || api.port}`;
  stack
    .run(createIdentityLease({ client, hostname: hostname(), address, log: log.child('identity') }))
    .catch((error: unknown) => log.warn('there is no lease of this API server', { error: messageOf(error) }));
  await stack.run({
    name: 'tunnel server',
    start: async () => {},
    stop: async () => tunnel.stop(),
  });
  return server;
}

const apiServersOf =
  ({ config, api }: Pick<Server, 'config' | 'api'>) =>
  (): readonly string[] => {
    const host = config.advertiseAddress.includes(':') ? `[${config.advertiseAddress}]` : config.advertiseAddress;
    return [`${host}:${config.advertisePort || api.port}`];
  };

const supervisorOf = (server: Server) =>
  createSupervisor({
    certificates: server.certificates,
    secrets: server.secrets,
    encryption: server.encryption,
    settings: settingsOf(server.config),
    apiServers: apiServersOf(server),
    tunnel: server.tunnel,
    client: server.client,
    log: server.log.child('supervisor'),
  });

/** Without these a node gets no addresses for its pods, and a Ready one would be told of pods that have no account. */
const firstControllers = new Set(['node-ipam', 'serviceaccount']);

/** Of a server's start so much goes to its own node before the control plane's other parts have their turn. */
const nodeFirstMs = 15_000;

const controllersOf = (
  { config, log, certificates, client, informers }: Server,
  wanted: (name: string) => boolean,
): Component =>
  createControllers({
    client,
    informers,
    log: log.child('controllers'),
    clusterCidrs: config.clusterCidrs,
    serviceCidrs: config.serviceCidrs,
    rootCa: certificates.authorities['server-ca'].certificate,
    signer: createCsrSigner(certificates.authorities, config.controllerSettings.signingSeconds),
    signToken: (claims) => signJwt(tokenKey(keyToPem(certificates.serviceAccountKey)), claims),
    checkPolicy: checkPolicyTypes,
    wanted,
    ...config.controllerSettings,
  });

/** Controllers, scheduler and what else makes a cluster of an API; the server's own node, which all wait for, goes first. */
async function startControlPlane(server: Server, ending: AbortSignal): Promise<void> {
  const { config, log, stack, client, informers } = server;
  informers.start();
  if (config.controllers) await stack.run(controllersOf(server, (name) => firstControllers.has(name)));
  if (config.node !== undefined)
    await untilNodeReady({ informers, nodeName: config.node.nodeName, limitMs: nodeFirstMs, signal: ending });
  const scheduler = createScheduler({ client, informers, log: log.child('scheduler') });
  const dns = createDnsService({ client, informers, clusterDns: config.clusterDns, log: log.child('dns') });
  const balancer = createServiceLb({ client, informers, log: log.child('servicelb') });
  await Promise.all([
    ensureClusterObjects(client),
    ...(config.controllers ? [stack.run(controllersOf(server, (name) => !firstControllers.has(name)))] : []),
    ...(config.scheduler ? [stack.run(scheduler)] : []),
    ...(config.disabled.has('servicelb') ? [] : [stack.run(balancer)]),
    ...(config.disabled.has('coredns') ? [] : [stack.run(dns)]),
  ]);
}

/** The manifests folder; the server is up without it, and says so where it cannot work. */
function startManifests({ config, log, stack, client }: Server): void {
  const manifests = createManifests({
    client,
    folder: config.paths.server.manifests,
    nodeName: config.node?.nodeName ?? hostname(),
    disabled: config.disabled,
    log: log.child('manifests'),
  });
  stack.run(manifests).catch((error: unknown) => {
    log.error('the manifests folder is not followed', { error: messageOf(error) });
  });
}

/** Upgrades that the cluster asks for; as the manifests, no reason for the server not to run. */
function startPlans({ log, stack, client, informers }: Server): void {
  const plans = createPlans({ client, informers, log: log.child('plans') });
  stack.run(plans).catch((error: unknown) => {
    log.error('plans are not carried out', { error: messageOf(error) });
  });
}

/** This machine as a node of its own cluster: the same node as an agent's, with no network between. */
async function startNode(server: Server, node: NodeConfig, runtime: Promise<ContainerRuntime>): Promise<void> {
  const { config, log, stack, api, certificates, client, informers } = server;
  const { createNode } = await import('./node.ts');
  const cluster = localCluster({
    certificates,
    settings: settingsOf(config),
    apiServers: apiServersOf(server),
    client,
    nodeName: node.nodeName,
    nodePassword: await ensureNodePassword(config.paths.nodePassword),
    addresses: [...node.nodeIps, ...node.externalIps],
  });
  await stack.run(createRoleLabels({ client, nodeName: node.nodeName, log }));
  await stack.run(
    createNode({
      config: node,
      paths: config.paths,
      bindAddress: config.bindAddress,
      server: localUrl(config, api.port),
      cluster,
      runtime,
      kubeletClient: () =>
        withRoles(createClient(api.transport(user(`system:node:${node.nodeName}`, 'system:nodes'))), client),
      network: () => ({ client, informers }),
      log,
    }),
  );
}

function consoleFeed({ config, api, client, informers }: Server, board: Board): Component {
  board.set({ api: `answers at ${localUrl(config, api.port)}` });
  return createFeed({ board, informers, nodeName: config.node?.nodeName ?? hostname(), eventsFrom: client });
}

/** `knarr server`: the control plane and, unless told otherwise, a node. */
export async function createServer(options: {
  config: ServerConfig;
  log: Logger;
  board?: Board | undefined;
}): Promise<Component> {
  const { config, log, board } = options;
  const stack = createStack(log);
  const ending = new AbortController();
  return {
    name: 'server',
    async start() {
      const { node } = config;
      if (node?.protectKernelDefaults) await checkKernelDefaults();
      const runtime =
        node && (await import('./node.ts')).startRuntime({ config: node, paths: config.paths, log }, stack);
      const server = await startApi(config, log, stack);
      await writeKubeconfigs(config, server.certificates, server.api.port);
      log.info('kubectl can be used', { kubeconfig: config.kubeconfig.path, url: localUrl(config, server.api.port) });
      await stack.run({
        name: 'informers',
        start: async () => {},
        stop: () => server.informers.stop(),
      });
      if (board !== undefined) await stack.run(consoleFeed(server, board));
      await Promise.all([
        startControlPlane(server, ending.signal),
        ...(node === undefined || runtime === undefined ? [] : [startNode(server, node, runtime)]),
      ]);
      startManifests(server);
      startPlans(server);
      const renew = async (): Promise<void> => {
        await server.certificates.renew();
        await writeKubeconfigs(config, server.certificates, server.api.port);
      };
      await stack.run(createRenewal({ renew, log: log.child('certificates') }));
    },
    stop() {
      ending.abort();
      return stack.stop();
    },
  };
}
