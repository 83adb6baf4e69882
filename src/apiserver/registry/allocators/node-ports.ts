import type { Service } from '../../../api/gen/core-v1.ts';
import { internalError, plainFailure } from '../../../api/status.ts';
import type { PortTaker } from './port-pool.ts';
import { invalidValue, refuse } from './refusal.ts';
import { hasNodePorts, needsHealthPort, nodePortsOf, type Spec, wantsNodePorts } from './service-shape.ts';

/** Gives a Service its node ports, after upstream's `registry/core/service/storage/alloc.go`. */
export function allocatePorts(service: Service, spec: Spec, before: Readonly<Spec> | undefined, pool: PortTaker): void {
  if (hasNodePorts(spec)) {
    if (before) changePorts(service, spec, new Set(nodePortsOf(before)), pool);
    else firstPorts(service, spec, pool);
  }
  if (needsHealthPort(spec) && !(before && needsHealthPort(before))) allocateHealthPort(spec, pool);
}

function takeAny(pool: PortTaker, what: string): number {
  const port = pool.takeAny();
  if (port === undefined) throw internalError(`failed to allocate a ${what}: range is full`);
  return port;
}

function takeThis(service: Service, index: number, port: number, pool: PortTaker): void {
  const refused = pool.take(port);
  if (refused) refuse(service, [invalidValue(`spec.ports[${index}].nodePort`, port, refused)]);
}

/** One port number under several protocols shares its node port. */
function firstPorts(service: Service, spec: Spec, pool: PortTaker): void {
  const ports = spec.ports ?? [];
  const given = new Map<number, number>();
  for (const [i, port] of ports.entries()) {
    if (!port.nodePort && !wantsNodePorts(spec)) continue;
    const shared = given.get(port.port);
    if (shared === undefined) {
      const asked = ports.find((p) => p.port === port.port && p.nodePort)?.nodePort;
      if (asked) takeThis(service, i, asked, pool);
      port.nodePort = asked ?? takeAny(pool, 'nodePort');
      given.set(port.port, port.nodePort);
    } else if (!port.nodePort) port.nodePort = shared;
    else if (port.nodePort !== shared) takeThis(service, i, port.nodePort, pool);
  }
}

function changePorts(service: Service, spec: Spec, had: ReadonlySet<number>, pool: PortTaker): void {
  const taken = new Set<number>();
  const seen = new Set<string>();
  for (const [i, port] of (spec.ports ?? []).entries()) {
    if (!port.nodePort && !wantsNodePorts(spec)) continue;
    if (!port.nodePort) port.nodePort = takeAny(pool, 'nodePort');
    else if (!had.has(port.nodePort) && !taken.has(port.nodePort)) {
      takeThis(service, i, port.nodePort, pool);
      taken.add(port.nodePort);
    }
    const shown = `{${port.protocol} ${port.nodePort}}`;
    if (seen.has(shown)) throw plainFailure(500, `duplicate nodePort: ${shown}`);
    seen.add(shown);
  }
}

function allocateHealthPort(spec: Spec, pool: PortTaker): void {
  const asked = spec.healthCheckNodePort;
  if (!asked) {
    spec.healthCheckNodePort = takeAny(pool, 'HealthCheck NodePort 0');
    return;
  }
  const refused = pool.take(asked);
  if (refused) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${refused}`);
}
