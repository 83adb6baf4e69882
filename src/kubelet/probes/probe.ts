import { connect } from 'node:net';
import { credentials, Client as GrpcClient, status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import type { Container, Probe } from '../../api/gen/core-v1.ts';
import type { IntOrString } from '../../api/gen/util-intstr.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import { goErrorText } from '../../cri/channel.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import { goDialError, type HttpAnswer, httpGet, urlOf } from './http-probe.ts';

export interface ProbeResult {
  outcome: 'success' | 'warning' | 'failure' | 'unknown';
  message: string;
}

export interface ProbeTarget {
  container: Container;
  containerId: string;
  podIP: string;
}

const success: ProbeResult = { outcome: 'success', message: '' };
const failure = (message: string): ProbeResult => ({ outcome: 'failure', message });

/** A port by number or by its name among the container's ports. */
export function portNumber(port: IntOrString, container: Container): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find((p) => p.name === port);
  const number = named?.containerPort ?? Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw new KnarrError({ code: 'probe-port', blame: 'user', message: `invalid port: ${port}` });
  return number;
}

async function execProbe(runtime: ContainerRuntime, probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const command = probe.exec?.command ?? [];
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(target.containerId, command, probe.timeoutSeconds ?? 1);
    const output = Buffer.concat([stdout, stderr])
      .subarray(0, 10 * 1024)
      .toString();
    return exitCode === 0 ? { outcome: 'success', message: output } : failure(output);
  } catch (error) {
    if (error instanceof KnarrError && error.code === 'cri-deadline-exceeded')
      return failure(
        `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${probe.timeoutSeconds ?? 1}s`,
      );
    return { outcome: 'unknown', message: goErrorText(error) };
  }
}

const judge = (answer: HttpAnswer): ProbeResult => {
  if (answer.status >= 200 && answer.status < 300) return { outcome: 'success', message: answer.body };
  if (answer.status >= 300 && answer.status < 400)
    return { outcome: 'warning', message: `Probe terminated redirects, Response body: ${answer.body}` };
  return failure(`HTTP probe failed with statuscode: ${answer.status}`);
};

async function httpProbe(probe: Probe, target: ProbeTarget, userAgent: string): Promise<ProbeResult> {
  const action = probe.httpGet as NonNullable<Probe['httpGet']>;
  let at = {
    scheme: action.scheme ?? 'HTTP',
    host: action.host || target.podIP,
    port: portNumber(action.port, target.container),
    path: action.path ?? '/',
    headers: action.httpHeaders ?? [],
  };
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    // Redirects are followed on the same host; one that leads elsewhere is a success with a warning.
    for (let hops = 0; hops < 10; hops++) {
      const answer = await httpGet(at, timeoutMs, userAgent);
      if (answer.status < 300 || answer.status >= 400 || answer.location === undefined) return judge(answer);
      const next = new URL(answer.location, urlOf(at));
      if (next.hostname.replace(/^\[|\]$/g, '') !== at.host) return judge(answer);
      const scheme = next.protocol.replace(':', '').toUpperCase();
      at = {
        ...at,
        scheme,
        port: Number(next.port) || (scheme === 'HTTPS' ? 443 : 80),
        path: next.pathname + next.search,
      };
    }
    return failure('stopped after 10 redirects');
  } catch (error) {
    return failure(messageOf(error));
  }
}

function tcpProbe(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const action = probe.tcpSocket as NonNullable<Probe['tcpSocket']>;
  const host = action.host || target.podIP;
  const port = portNumber(action.port, target.container);
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket = connect({ host, port, timeout: (probe.timeoutSeconds ?? 1) * 1000 });
  const finish = (result: ProbeResult): void => {
    socket.destroy();
    resolve(result);
  };
  socket.once('connect', () => finish(success));
  socket.once('timeout', () => finish(failure(`dial tcp ${host}:${port}: i/o timeout`)));
  socket.once('error', (error) => finish(failure(goDialError(error, { host, port }))));
  return promise;
}

/** `grpc.health.v1.Health/Check`: the request is one string field, the answer one enum field (1: serving). */
function grpcProbe(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const { port, service = '' } = probe.grpc as NonNullable<Probe['grpc']>;
  const seconds = probe.timeoutSeconds ?? 1;
  const host = target.podIP.includes(':') ? `[${target.podIP}]` : target.podIP;
  const address = `${host}:${port}`;
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const client = new GrpcClient(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_reconnect_backoff_ms': 1000,
  });
  const name = Buffer.from(service);
  client.makeUnaryRequest(
    '/grpc.health.v1.Health/Check',
    () => (name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name])),
    (bytes: Buffer) => bytes,
    null,
    { deadline: Date.now() + seconds * 1000 },
    (error: ServiceError | null, bytes?: Buffer) => {
      client.close();
      if (!error) {
        const serving = bytes !== undefined && bytes[0] === 0x08 && bytes[1] === 1;
        return resolve(
          serving
            ? success
            : failure(
                `service unhealthy (responded with "${['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'][bytes?.[1] ?? 0]}")`,
              ),
        );
      }
      if (error.code === grpcStatus.UNIMPLEMENTED)
        return resolve(
          failure(
            `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.details}`,
          ),
        );
      if (error.code === grpcStatus.DEADLINE_EXCEEDED || error.code === grpcStatus.UNAVAILABLE)
        return resolve(
          failure(`timeout: failed to connect service ${JSON.stringify(address)} within ${seconds}s: ${error.details}`),
        );
      resolve(failure(`error: health rpc probe failed: ${error.message}`));
    },
  );
  return promise;
}

/** Probes once; never rejects. */
export async function runProbe(options: {
  runtime: ContainerRuntime;
  probe: Probe;
  target: ProbeTarget;
  userAgent: string;
}): Promise<ProbeResult> {
  const { runtime, probe, target, userAgent } = options;
  try {
    if (probe.exec) return await execProbe(runtime, probe, target);
    if (probe.httpGet) return await httpProbe(probe, target, userAgent);
    if (probe.tcpSocket) return await tcpProbe(probe, target);
    if (probe.grpc) return await grpcProbe(probe, target);
    return { outcome: 'unknown', message: `missing probe handler for ${target.container.name}` };
  } catch (error) {
    return failure(messageOf(error));
  }
}
