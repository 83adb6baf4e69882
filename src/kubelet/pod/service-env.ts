import type { Service } from '../../api/gen/core-v1.ts';

const variable = (name: string): string => name.replaceAll('-', '_').toUpperCase();

const joined = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

function variablesOf(service: Service): [string, string][] {
  const ip = service.spec?.clusterIP ?? '';
  const ports = service.spec?.ports ?? [];
  const first = ports[0];
  if (ip === '' || ip === 'None' || first === undefined) return [];
  const prefix = variable(service.metadata?.name ?? '');
  const named = ports.flatMap((p): [string, string][] =>
    p.name ? [[`${prefix}_SERVICE_PORT_${variable(p.name)}`, String(p.port)]] : [],
  );
  const url = (port: number, protocol: string): string => `${protocol.toLowerCase()}://${joined(ip, port)}`;
  const links = ports.flatMap((p): [string, string][] => {
    const protocol = p.protocol ?? 'TCP';
    const name = `${prefix}_PORT_${p.port}_${protocol}`;
    return [
      [name, url(p.port, protocol)],
      [`${name}_PROTO`, protocol.toLowerCase()],
      [`${name}_PORT`, String(p.port)],
      [`${name}_ADDR`, ip],
    ];
  });
  return [
    [`${prefix}_SERVICE_HOST`, ip],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...named,
    [`${prefix}_PORT`, url(first.port, first.protocol ?? 'TCP')],
    ...links,
  ];
}

/**
 * The variables that announce services to a pod: those of its namespace when it wants links, and always the API's own
 * service (`kubernetes` in `default`), unless the namespace has one of that name.
 */
export function serviceVariables(
  services: readonly Service[],
  namespace: string,
  enableServiceLinks: boolean,
): Map<string, string> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    const name = service.metadata?.name ?? '';
    const own = service.metadata?.namespace === namespace;
    const api = name === 'kubernetes' && service.metadata?.namespace === 'default';
    if ((own && enableServiceLinks) || (api && !chosen.has(name))) chosen.set(name, service);
  }
  return new Map([...chosen.values()].flatMap(variablesOf));
}
