import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Pod } from '../../api/gen/core-v1.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { goErrorText } from '../../cri/channel.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import type { KubeletOptions } from '../options.ts';
import type { PodManager } from '../pod-manager.ts';
import type { Prober } from '../probes/prober.ts';
import { newest } from '../worker/pod-view.ts';
import type { StatusSink } from '../worker/services.ts';
import { createGate } from './authentication.ts';
import { serveContainerLogs } from './container-logs.ts';
import { cadvisorMetrics, exposition, type Family, resourceMetrics } from './metrics.ts';
import { serveNodeLogs } from './node-logs.ts';
import { measure, summaryOf } from './stats.ts';
import { createStreaming } from './streaming.ts';

export interface KubeletServer {
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
  setCertificate(certificate: { cert: string; key: string }): void;
}

const statusOf: Record<string, number> = {
  'not-found': 404,
  'bad-request': 400,
  'log-query': 422,
  'log-unavailable': 400,
};

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void;

function sendText(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  if (response.headersSent) return void response.end();
  response.writeHead(status, { 'Content-Type': type });
  response.end(text);
}

const sendJson = (response: ServerResponse, value: unknown): void =>
  sendText(response, 200, JSON.stringify(value), 'application/json');

/** The kubelet's HTTP interface on TLS, and its plain health port. */
export function createKubeletServer(options: {
  kubelet: KubeletOptions;
  client: Client;
  manager: PodManager;
  runtime: ContainerRuntime;
  status: StatusSink;
  prober: Prober;
  /** Rejects with what is wrong. */
  healthy: () => Promise<void>;
  log: Logger;
}): KubeletServer {
  const { kubelet, client, manager, runtime, status, prober, healthy } = options;
  const log = options.log.child('server');
  const gate = createGate({ client, nodeName: kubelet.nodeName });
  const streaming = createStreaming({ manager, runtime, log });
  let health: http.Server | undefined;
  let port = kubelet.server.port;

  const podList = (): object => ({
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: {},
    items: [...manager.workers.values()].map((w): Pod => ({ ...w.pod, status: status.current(w.pod) })),
  });

  const probeFamilies = (): Family[] => [
    {
      name: 'prober_probe_total',
      type: 'counter',
      help: 'Probes of containers by kind and result',
      samples: [...prober.results].map(([key, value]) => {
        const [kind = '', result = ''] = key.split('\0');
        const name = result === 'success' ? 'successful' : result === 'failure' ? 'failed' : result;
        return { labels: { probe_type: kind.charAt(0).toUpperCase() + kind.slice(1), result: name }, value };
      }),
    },
  ];

  const ownFamilies = (): Family[] => {
    const workers = [...manager.workers.values()];
    const states = workers.flatMap((w) => w.view.containers.map((c) => c.state));
    const one = (value: number) => [{ labels: {}, value }];
    const memory = process.memoryUsage();
    return [
      {
        name: 'kubelet_node_name',
        type: 'gauge',
        help: 'The name of the node',
        samples: [{ labels: { node: kubelet.nodeName }, value: 1 }],
      },
      {
        name: 'kubelet_running_pods',
        type: 'gauge',
        help: 'Pods with a ready sandbox',
        samples: one(workers.filter((w) => w.view.sandboxes[0]?.state === 'SANDBOX_READY').length),
      },
      {
        name: 'kubelet_running_containers',
        type: 'gauge',
        help: 'Containers by state',
        samples: [...new Set(states)].map((state) => ({
          labels: { container_state: state.replace('CONTAINER_', '').toLowerCase() },
          value: states.filter((s) => s === state).length,
        })),
      },
      { name: 'process_resident_memory_bytes', type: 'gauge', help: 'Resident memory', samples: one(memory.rss) },
      {
        name: 'process_cpu_seconds_total',
        type: 'counter',
        help: 'CPU time',
        samples: one((process.cpuUsage().user + process.cpuUsage().system) / 1e6),
      },
    ];
  };

  const measured = (): ReturnType<typeof measure> => measure({ runtime, rootDir: kubelet.rootDir });

  const healthz: Handler = async (_, response) => {
    try {
      await healthy();
      sendText(response, 200, 'ok');
    } catch (error) {
      sendText(response, 500, `${messageOf(error)}\n`);
    }
  };

  const run: Handler = async (_, response, url) => {
    const [, namespace = '', pod = '', ...rest] = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const worker = manager.byName(namespace, pod);
    const container = worker ? newest(worker.view, rest[rest.length - 1] ?? '') : undefined;
    if (!container)
      throw new KnarrError({ code: 'not-found', blame: 'user', message: 'pod or container does not exist' });
    const command = (url.searchParams.get('cmd') ?? '').split(' ').filter((w) => w !== '');
    const { stdout, stderr } = await runtime.execSync(container.id, command, 60);
    sendText(response, 200, Buffer.concat([stdout, stderr]).toString());
  };

  const routes: readonly [RegExp, Handler][] = [
    [/^\/healthz(\/.*)?$/, healthz],
    [/^\/pods\/?$/, (_, response) => sendJson(response, podList())],
    [/^\/runningpods\/?$/, (_, response) => sendJson(response, podList())],
    [
      /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/,
      async (_, response, url) => {
        const [, namespace = '', pod = '', container = ''] = url.pathname.split('/').slice(1).map(decodeURIComponent);
        const at = { namespace, pod, container };
        await serveContainerLogs({ manager, runtime, status, at, params: url.searchParams, response });
      },
    ],
    [/^\/run\//, run],
    [/^\/stats\/summary$/, async (_, response) => sendJson(response, summaryOf(await measured(), kubelet.nodeName))],
    [/^\/metrics$/, (_, response) => sendText(response, 200, exposition(ownFamilies()), 'text/plain; version=0.0.4')],
    [/^\/metrics\/probes$/, (_, response) => sendText(response, 200, exposition(probeFamilies()))],
    [
      /^\/metrics\/resource$/,
      async (_, response) =>
        sendText(response, 200, exposition(resourceMetrics(await measured())), 'text/plain; version=0.0.4'),
    ],
    [
      /^\/metrics\/cadvisor$/,
      async (_, response) =>
        sendText(response, 200, exposition(cadvisorMetrics(await measured())), 'text/plain; version=0.0.4'),
    ],
    [/^\/configz$/, (_, response) => sendJson(response, { kubeletconfig: configz(kubelet) })],
    [
      /^\/logs(\/.*)?$/,
      (_, response, url) => serveNodeLogs('/var/log', url.pathname.replace(/^\/logs\/?/, ''), response),
    ],
  ];

  const tellError = (error: unknown): { status: number; text: string } => {
    const code = error instanceof KnarrError ? error.code : '';
    return { status: statusOf[code] ?? (code.startsWith('cri-not-found') ? 404 : 500), text: goErrorText(error) };
  };

  /** Answers the refusal, or undefined when the caller may go on. */
  const refusal = async (
    request: IncomingMessage,
    path: string,
  ): Promise<{ status: number; text: string } | undefined> => {
    const caller = await gate.caller(request);
    if (!caller) return { status: 401, text: 'Unauthorized' };
    const method = request.method ?? 'GET';
    if (await gate.allowed(caller, method, path)) return undefined;
    return {
      status: 403,
      text: `Forbidden (user=${caller.name}, verb=${method.toLowerCase()}, resource=nodes, path=${path})`,
    };
  };

  const onRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'https://node');
    try {
      const no = await refusal(request, url.pathname);
      if (no) return sendText(response, no.status, no.text);
      const handler = routes.find(([pattern]) => pattern.test(url.pathname))?.[1];
      if (handler) return await handler(request, response, url);
      if (streaming.handles(url.pathname))
        return sendText(response, 400, 'unable to upgrade: missing upgrade headers in request');
      sendText(response, 404, '404 page not found\n');
    } catch (error) {
      const { status: code, text } = tellError(error);
      sendText(response, code, text);
    }
  };

  const onUpgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    socket.on('error', () => socket.destroy());
    const url = new URL(request.url ?? '/', 'https://node');
    const answer = ({ status: code, text }: { status: number; text: string }): void => {
      socket.end(
        `HTTP/1.1 ${code} ${http.STATUS_CODES[code]}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
      );
    };
    try {
      const no = await refusal(request, url.pathname);
      if (no) return answer(no);
      await streaming.upgrade(request, socket, head);
    } catch (error) {
      answer(tellError(error));
    }
  };

  const { cert, key, clientCa } = kubelet.server;
  const server = https.createServer(
    {
      cert,
      key,
      ca: clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ...kubelet.server.tls,
    },
    (request, response) => void onRequest(request, response),
  );
  server.on('upgrade', (request, socket, head) => void onUpgrade(request, socket, head));
  server.keepAliveTimeout = 120_000;

  const listen = (on: http.Server | https.Server, at: { host?: string; port: number }): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    on.once('error', reject);
    on.listen(at, () => {
      on.off('error', reject);
      resolve();
    });
    return promise;
  };

  return {
    get port() {
      return port;
    },
    async start() {
      const { host } = kubelet.server;
      await listen(server, { ...(host ? { host } : {}), port });
      port = (server.address() as AddressInfo).port;
      if (!kubelet.healthz) return;
      const plain = http.createServer((request, response) => {
        const url = new URL(request.url ?? '/', 'http://node');
        if (/^\/healthz(\/.*)?$/.test(url.pathname)) void healthz(request, response, url);
        else sendText(response, 404, '404 page not found\n');
      });
      await listen(plain, kubelet.healthz);
      health = plain;
    },
    async stop() {
      streaming.close();
      for (const one of [server, health]) {
        if (!one?.listening) continue;
        const { promise, resolve } = Promise.withResolvers<void>();
        one.close(() => resolve());
        one.closeAllConnections();
        await promise;
      }
    },
    setCertificate: (certificate) => server.setSecureContext({ ...certificate, ca: clientCa, minVersion: 'TLSv1.2' }),
  };
}

/** What `/configz` shows, in the words of KubeletConfiguration. */
function configz(kubelet: KubeletOptions): object {
  return {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    port: kubelet.server.port,
    healthzPort: kubelet.healthz?.port ?? 0,
    clusterDomain: kubelet.clusterDomain,
    clusterDNS: kubelet.clusterDns,
    maxPods: kubelet.maxPods ?? 110,
    cgroupDriver: kubelet.cgroups?.driver ?? 'cgroupfs',
    resolvConf: kubelet.resolvConf ?? '/etc/resolv.conf',
    staticPodPath: kubelet.staticPodDir ?? '',
    containerLogMaxSize: String(kubelet.containerLogs?.maxBytes ?? 10 * 1024 * 1024),
    containerLogMaxFiles: kubelet.containerLogs?.maxFiles ?? 5,
    evictionHard: kubelet.evictionHard ?? {},
    nodeStatusReportFrequency: `${(kubelet.nodeStatusReportMs ?? 300_000) / 1000}s`,
    nodeLeaseDurationSeconds: kubelet.leaseDurationSeconds ?? 40,
  };
}
