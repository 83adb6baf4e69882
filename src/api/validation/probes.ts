import type { Container, HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../gen/core-v1.ts';
import type { IntOrString } from '../int-or-string.ts';
import { isHttpHeaderName, isPortName, isPortNumber } from '../names.ts';
import type { Problems } from './problems.ts';

type Handler = LifecycleHandler & Pick<Probe, 'grpc'>;

export function validatePortNumberOrName(p: Problems, path: string, port: IntOrString | undefined): void {
  if (typeof port === 'string') p.all(path, port, isPortName(port));
  else p.all(path, port ?? 0, isPortNumber(port ?? 0));
}

function validateHttpGet(p: Problems, path: string, http: HTTPGetAction): void {
  if (!http.path) p.required(`${path}.path`);
  validatePortNumberOrName(p, `${path}.port`, http.port);
  const schemes = ['HTTP', 'HTTPS'];
  if (!schemes.includes(http.scheme ?? '')) p.unsupported(`${path}.scheme`, http.scheme ?? '', schemes);
  for (const header of http.httpHeaders ?? []) {
    p.all(`${path}.httpHeaders`, header.name, isHttpHeaderName(header.name));
  }
}

function validateHandler(p: Problems, path: string, handler: Handler, grace: number | undefined): void {
  let found = false;
  const each = <T>(name: string, action: T | undefined, check: (at: string, action: T) => void): void => {
    if (action === undefined) return;
    if (found) p.forbidden(`${path}.${name}`, 'may not specify more than 1 handler type');
    else check(`${path}.${name}`, action);
    found = true;
  };
  each('exec', handler.exec, (at, exec) => {
    if (!exec.command?.length) p.required(`${at}.command`);
  });
  each('httpGet', handler.httpGet, (at, http) => validateHttpGet(p, at, http));
  each('tcpSocket', handler.tcpSocket, (at, tcp) => validatePortNumberOrName(p, `${at}.port`, tcp.port));
  each('grpc', handler.grpc, (at, grpc) => validatePortNumberOrName(p, `${at}.port`, grpc.port));
  each('sleep', handler.sleep, (at, { seconds }) => {
    if (grace !== undefined && (seconds < 0 || seconds > grace)) {
      p.invalid(at, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${grace})`);
    }
  });
  if (!found) p.required(path, 'must specify a handler type');
}

function validateProbe(p: Problems, path: string, probe: Probe, grace: number | undefined): void {
  validateHandler(p, path, probe, grace);
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    p.nonNegative(`${path}.${field}`, probe[field]);
  }
  const own = probe.terminationGracePeriodSeconds;
  if (own !== undefined && own <= 0) p.invalid(`${path}.terminationGracePeriodSeconds`, own, 'must be greater than 0');
}

export function validateProbes(p: Problems, path: string, container: Container, grace: number | undefined): void {
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[name];
    if (!probe) continue;
    const at = `${path}.${name}`;
    validateProbe(p, at, probe, grace);
    if (name !== 'readinessProbe') {
      if (probe.successThreshold !== 1) p.invalid(`${at}.successThreshold`, probe.successThreshold ?? 0, 'must be 1');
    } else if (probe.terminationGracePeriodSeconds !== undefined) {
      const own = probe.terminationGracePeriodSeconds;
      p.invalid(`${at}.terminationGracePeriodSeconds`, own, 'must not be set for readinessProbes');
    }
  }
}

export function validateLifecycle(
  p: Problems,
  path: string,
  lifecycle: Lifecycle,
  grace: number | undefined,
  os: string | undefined,
): void {
  if (lifecycle.postStart) validateHandler(p, `${path}.postStart`, lifecycle.postStart, grace);
  if (lifecycle.preStop) validateHandler(p, `${path}.preStop`, lifecycle.preStop, grace);
  if (lifecycle.stopSignal !== undefined && os === undefined) {
    p.forbidden(`${path}.stopSignal`, 'may not be set for containers with empty `spec.os.name`');
  }
}
