import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import { chooseProtocol } from '../../wire/remote-command.ts';
import type { PodManager } from '../pod-manager.ts';
import { currentSandbox, newest } from '../worker/pod-view.ts';
import { relayPorts, relayTunnel, tunnelProtocol } from './port-forward.ts';
import { relayRemoteCommand } from './remote-command.ts';
import { upgradeToRuntime } from './runtime-stream.ts';

const problem = (code: string, message: string): KnarrError => new KnarrError({ code, blame: 'user', message });

interface Target {
  /** The runtime's URL, asked for only when the caller has been found to speak a known protocol. */
  url: (params: URLSearchParams) => Promise<string>;
  kind: 'command' | 'ports';
}

const flag = (params: URLSearchParams, ...names: string[]): boolean =>
  names.some((name) => ['1', 'true'].includes(params.get(name) ?? ''));

const streamsOf = (params: URLSearchParams) => ({
  stdin: flag(params, 'input', 'stdin'),
  stdout: flag(params, 'output', 'stdout'),
  stderr: flag(params, 'error', 'stderr'),
  tty: flag(params, 'tty'),
});

/** Upgrades of `/exec`, `/attach` and `/portForward`, by SPDY/3.1 (handed through) and by WebSocket. */
export function createStreaming(options: { manager: PodManager; runtime: ContainerRuntime; log: Logger }) {
  const { manager, runtime, log } = options;
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      offered.has(tunnelProtocol) ? tunnelProtocol : (chooseProtocol(offered)?.name ?? false),
  });

  const podOf = (namespace: string, name: string) => {
    const worker = manager.byName(namespace, name);
    if (!worker) throw problem('not-found', 'pod does not exist');
    return worker;
  };

  const containerId = (namespace: string, podName: string, name: string): string => {
    const found = newest(podOf(namespace, podName).view, name);
    if (!found) throw problem('not-found', `container not found (${JSON.stringify(name)})`);
    if (found.state !== 'CONTAINER_RUNNING')
      throw problem('bad-request', `container ${name} is not running in pod ${podName}_${namespace}`);
    return found.id;
  };

  const targetOf = (path: string): Target | undefined => {
    // A uid may stand between pod and container.
    const [kind, namespace = '', pod = '', ...rest] = path.split('/').slice(1).map(decodeURIComponent);
    const container = rest[rest.length - 1] ?? '';
    if (kind === 'exec')
      return {
        kind: 'command',
        url: (params) => {
          const streams = streamsOf(params);
          if (!streams.stdin && !streams.stdout && !streams.stderr)
            throw problem('bad-request', 'you must specify at least 1 of stdin, stdout, stderr');
          const cmd = params.getAll('command');
          const stderr = streams.stderr && !streams.tty;
          return runtime.execUrl({ containerId: containerId(namespace, pod, container), cmd, ...streams, stderr });
        },
      };
    if (kind === 'attach')
      return {
        kind: 'command',
        url: (params) => {
          const streams = streamsOf(params);
          const stderr = streams.stderr && !streams.tty;
          return runtime.attachUrl({ containerId: containerId(namespace, pod, container), ...streams, stderr });
        },
      };
    if (kind === 'portForward')
      return {
        kind: 'ports',
        url: (params) => {
          const sandbox = currentSandbox(podOf(namespace, pod).view);
          if (!sandbox) throw problem('bad-request', `pod ${pod}_${namespace} is not running`);
          const ports = params
            .getAll('port')
            .flatMap((p) => p.split(','))
            .map(Number);
          return runtime.portForwardUrl(sandbox.id, ports);
        },
      };
    return undefined;
  };

  const handThrough = async (request: IncomingMessage, socket: Duplex, head: Buffer, url: string): Promise<void> => {
    const offered = [request.headers['x-stream-protocol-version'] ?? []].flat().flatMap((v) => v.split(/,\s*/));
    const { socket: far, head: farHead, answer } = await upgradeToRuntime(url, offered);
    socket.write(answer);
    if (farHead.length > 0) socket.write(farHead);
    if (head.length > 0) far.write(head);
    const end = (): void => {
      socket.destroy();
      far.destroy();
    };
    for (const one of [socket, far]) one.on('error', end).on('close', end);
    socket.pipe(far);
    far.pipe(socket);
  };

  const serveWebSocket = async (ws: WebSocket, target: Target, params: URLSearchParams, url: string): Promise<void> => {
    if (ws.protocol === tunnelProtocol) return relayTunnel(ws, url);
    const protocol = chooseProtocol([ws.protocol === '' ? 'channel.k8s.io' : ws.protocol]);
    if (!protocol) return ws.close(1002);
    if (target.kind === 'ports') {
      const ports = params
        .getAll('port')
        .flatMap((p) => p.split(','))
        .map(Number);
      return relayPorts({ socket: ws, url, ports, base64: protocol.base64 });
    }
    return relayRemoteCommand({ socket: ws, protocol, url, streams: streamsOf(params) });
  };

  return {
    handles: (path: string): boolean => /^\/(exec|attach|portForward)\//.test(path),
    /** Takes over the connection. Rejects, with nothing written, with what the caller is to be told. */
    async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://node');
      const target = targetOf(pathname);
      if (!target) throw problem('not-found', `${pathname} has no streams`);
      const kind = String(request.headers.upgrade).toLowerCase();
      if (kind !== 'websocket' && kind !== 'spdy/3.1')
        throw problem('bad-request', `unable to upgrade: unsupported protocol ${JSON.stringify(kind)}`);
      const url = await target.url(searchParams);
      if (kind === 'spdy/3.1') return handThrough(request, socket, head, url);
      webSockets.handleUpgrade(request, socket, head, (ws) => {
        serveWebSocket(ws, target, searchParams, url).catch((error: unknown) => {
          log.warn('a stream ended badly', { path: pathname, error: messageOf(error) });
          ws.terminate();
        });
      });
    },
    close: () => webSockets.close(),
  };
}
