import { createServer, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

export interface ServiceHealth {
  namespace: string;
  name: string;
  port: number;
  localEndpoints: number;
}

export interface ProxyHealth {
  /** When the kernel last held what the API says, and whether a change has waited for it too long. */
  lastUpdated: Date;
  healthy: boolean;
  /** False while the node is on its way out: load balancers are to send nothing new. */
  nodeEligible: boolean;
}

/** What load balancers ask a node: is the proxy well (`/healthz`), and has this service endpoints here (its own port). */
export interface HealthServers {
  start(): Promise<void>;
  /** Opens and closes ports so that each service in the list has one; a port that cannot be opened is logged. */
  setServices(services: readonly ServiceHealth[]): void;
  stop(): Promise<void>;
}

export interface HealthServersOptions {
  address: string;
  /** 0: no `/healthz`. */
  port: number;
  health: () => ProxyHealth;
  log: Logger;
}

function answer(response: ServerResponse, ok: boolean, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(ok ? 200 : 503, {
    'Content-Type': 'application/json',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(JSON.stringify(body));
}

function listen(server: Server, port: number, address: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, address, () => {
    server.off('error', reject);
    server.on('error', () => {});
    resolve();
  });
  return promise;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

export function createHealthServers(options: HealthServersOptions): HealthServers {
  const { address, port, health, log } = options;
  const services = new Map<number, { server: Server; service: ServiceHealth }>();
  const proxy = createServer((request, response) => {
    const { lastUpdated, healthy, nodeEligible } = health();
    const body = { lastUpdated: lastUpdated.toISOString(), currentTime: new Date().toISOString() };
    if (request.url === '/healthz') answer(response, healthy && nodeEligible, { ...body, nodeEligible });
    else if (request.url === '/livez') answer(response, healthy, body);
    else response.writeHead(404).end();
  });

  const open = (service: ServiceHealth): void => {
    const entry = {
      service,
      server: createServer((_request, response) => {
        const { namespace, name, localEndpoints } = entry.service;
        const { healthy } = health();
        answer(
          response,
          localEndpoints > 0 && healthy,
          { service: { namespace, name }, localEndpoints, serviceProxyHealthy: healthy },
          { 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints) },
        );
      }),
    };
    services.set(service.port, entry);
    listen(entry.server, service.port, address).catch((error) =>
      log.error('a service health port cannot be opened', {
        service: `${service.namespace}/${service.name}`,
        port: service.port,
        error: messageOf(error),
      }),
    );
  };

  return {
    async start() {
      if (port !== 0) await listen(proxy, port, address);
    },
    setServices(wanted) {
      const ports = new Set(wanted.map((service) => service.port));
      for (const [at, { server }] of services)
        if (!ports.has(at)) {
          services.delete(at);
          void close(server);
        }
      for (const service of wanted) {
        const known = services.get(service.port);
        if (known) known.service = service;
        else open(service);
      }
    },
    async stop() {
      await Promise.all([proxy, ...[...services.values()].map(({ server }) => server)].map(close));
      services.clear();
    },
  };
}
