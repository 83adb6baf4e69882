import { readFile } from 'node:fs/promises';
import { createBackoff, delay } from '../base/abort.ts';
import { writeFileAtomic } from '../base/atomic-file.ts';
import type { Component } from '../base/component.ts';
import { KnarrError, messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { createClient } from '../client/create-client.ts';
import { createHttpTransport, type HttpTransport } from '../client/http-transport.ts';
import { createInformerFactory } from '../client/informer.ts';
import { keyToPem } from '../pki/keys.ts';
import { parseToken } from '../pki/token.ts';
import type { AgentConfig } from './config.ts';
import type { Board } from './console/board.ts';
import { createFeed } from './console/feed.ts';
import { type Cluster, ensureNodePassword } from './join/node-identity.ts';
import { connectCluster } from './join/remote-cluster.ts';
import { createServerWatch } from './join/server-watch.ts';
import { checkKernelDefaults } from './kernel-defaults.ts';
import { createLoadBalancer, type LoadBalancer } from './load-balancer.ts';
import { createNode, type NodeCertificates, startRuntime } from './node.ts';
import { kubeletPort } from './ports.ts';
import { readSecret } from './server-secrets.ts';
import { createStack } from './stack.ts';
import { createTunnels } from './tunnel/tunnels.ts';

const hostOf = (url: string): string => {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === '' ? 443 : port}`;
};

/** The servers that were known when this agent last ran, so that it comes back when the one it was given is gone. */
async function rememberedServers(path: string): Promise<string[]> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as string[];
  } catch {
    return [];
  }
}

/** Tries until the world lets it happen; gives up at once where the user must act. `undefined` when `ending` comes first. */
async function untilItWorks<T>(attempt: () => Promise<T>, ending: AbortSignal, log: Logger): Promise<T | undefined> {
  const backoff = createBackoff({ initialMs: 500, maxMs: 5_000 });
  while (!ending.aborted) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof KnarrError) || error.blame !== 'world') throw error;
      log.warn('waits for the server', { error: messageOf(error) });
      await delay(backoff.next(), ending);
    }
  }
  return undefined;
}

/** Joins, for as long as no server answers, and later too waits for a server that does not. */
async function join(
  config: AgentConfig,
  server: string,
  ending: AbortSignal,
  log: Logger,
): Promise<Cluster | undefined> {
  const text = await readSecret(config.token, 'token');
  const token = parseToken(text ?? '', 'node');
  const nodePassword = await ensureNodePassword(config.paths.nodePassword);
  const { nodeName, nodeIps, externalIps } = config.node;
  const addresses = [...nodeIps, ...externalIps];
  const connect = (): Promise<Cluster> => connectCluster({ server, token, nodeName, nodePassword, addresses });
  const cluster = await untilItWorks(connect, ending, log);
  if (cluster === undefined) return undefined;
  const patiently = async <T>(attempt: () => Promise<T>): Promise<T> => {
    const result = await untilItWorks(attempt, ending, log);
    if (result === undefined)
      throw new KnarrError({ code: 'stopped', blame: 'world', message: 'stopped while joining' });
    return result;
  };
  return {
    ...cluster,
    settings: () => patiently(() => cluster.settings()),
    sign: (leaf, request) => patiently(() => cluster.sign(leaf, request)),
  };
}

function createBalancer(config: AgentConfig, known: readonly string[], log: Logger): LoadBalancer {
  const servers = [hostOf(config.serverUrl), ...known];
  return createLoadBalancer({ port: config.node.lbServerPort, servers, log: log.child('lb') });
}

function transportFor(server: string, cluster: Cluster, certificates: NodeCertificates, leaf: string): HttpTransport {
  return createHttpTransport({
    server,
    ca: cluster.serverCa,
    certificate: () => {
      const { certificate, key } = certificates.leaf(leaf);
      return { cert: certificate, key: keyToPem(key) };
    },
    userAgent: leaf === 'client-kubelet' ? 'kubelet' : 'knarr-agent',
  });
}

/** `knarr agent`: a node that joins a server. */
export async function createAgent(options: {
  config: AgentConfig;
  log: Logger;
  board?: Board | undefined;
}): Promise<Component> {
  const { config, log, board } = options;
  const stack = createStack(log);
  const ending = new AbortController();
  const transports: HttpTransport[] = [];

  const open = (server: string, cluster: Cluster, certificates: NodeCertificates, leaf: string): HttpTransport => {
    const transport = transportFor(server, cluster, certificates, leaf);
    transports.push(transport);
    return transport;
  };

  return {
    name: 'agent',
    async start() {
      if (config.node.protectKernelDefaults) await checkKernelDefaults();
      const runtime = startRuntime({ config: config.node, paths: config.paths, log }, stack);
      const balancer = createBalancer(config, await rememberedServers(config.paths.agent.servers), log);
      if (config.node.loadBalancer) await stack.run(balancer);
      const server = config.node.loadBalancer ? `https://127.0.0.1:${balancer.port}` : config.serverUrl;
      const cluster = await join(config, server, ending.signal, log);
      if (cluster === undefined) return;
      board?.set({ api: `joined to ${config.serverUrl}` });

      const servers = createServerWatch({
        cluster,
        fixed: hostOf(config.serverUrl),
        async onChange(list) {
          balancer.setServers(list);
          await writeFileAtomic(config.paths.agent.servers, JSON.stringify(list), { mode: 0o600 });
        },
        log,
      });
      await stack.run(servers);
      const node = createNode({
        config: config.node,
        paths: config.paths,
        bindAddress: config.bindAddress,
        server,
        cluster,
        runtime,
        kubeletClient: (certificates) => createClient(open(server, cluster, certificates, 'client-kubelet')),
        network(certificates) {
          const client = createClient(open(server, cluster, certificates, 'client-k3s-controller'));
          const informers = createInformerFactory(client, { log });
          informers.start();
          if (board !== undefined) void stack.run(createFeed({ board, informers, nodeName: config.node.nodeName }));
          return { client, informers };
        },
        extra: (certificates, settings) =>
          settings.EgressSelectorMode === 'disabled'
            ? []
            : [
                createTunnels({
                  servers,
                  ca: cluster.serverCa,
                  certificate: () => {
                    const { certificate, key } = certificates.leaf('client-kubelet');
                    return { cert: certificate, key: keyToPem(key) };
                  },
                  kubeletPort,
                  log: log.child('tunnel'),
                }),
              ],
        onRenewed() {
          for (const transport of transports) transport.reconnect();
        },
        log,
      });
      await stack.run(node);
    },
    async stop() {
      ending.abort();
      await stack.stop();
      for (const transport of transports) transport.close();
    },
  };
}
