/** What a name inside the cluster's domain stands for. */
export type ClusterName =
  | { kind: 'zone' }
  | { kind: 'version' }
  | { kind: 'nameserver' }
  /** `svc.ZONE`, `pod.ZONE`, `NS.svc.ZONE`, `NS.pod.ZONE`: no records of their own, but names below them. */
  | { kind: 'between'; namespace: string | undefined }
  | { kind: 'service'; namespace: string; service: string }
  | { kind: 'endpoint'; namespace: string; service: string; hostname: string }
  | { kind: 'port'; namespace: string; service: string; port: string; protocol: string }
  | { kind: 'pod'; namespace: string; ip: string }
  | { kind: 'none' };

const nameserver = ['dns', 'ns'];

/** `10-42-0-5` or `fd00--5` → the address that it spells; undefined otherwise. */
function podIp(label: string): string | undefined {
  const v4 = /^(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})$/.exec(label);
  if (v4) return v4.slice(1).join('.');
  return /^[0-9a-f-]+$/.test(label) && label.includes('-') ? label.replaceAll('-', ':') : undefined;
}

/**
 * Reads a name in lower case; undefined when it is not inside `zone`. Follows "DNS-Based Service Discovery" of
 * Kubernetes, version 1.1.0.
 */
export function readClusterName(name: string, zone: string): ClusterName | undefined {
  if (name === zone) return { kind: 'zone' };
  if (!name.endsWith(`.${zone}`)) return undefined;
  const labels = name
    .slice(0, -zone.length - 1)
    .split('.')
    .reverse();
  const [kind, namespace, first, second, third, ...more] = labels;
  if (kind === 'dns-version' && labels.length === 1) return { kind: 'version' };
  if (labels.length <= nameserver.length && labels.every((label, i) => label === nameserver[i]))
    return labels.length === nameserver.length ? { kind: 'nameserver' } : { kind: 'between', namespace: undefined };
  if ((kind !== 'svc' && kind !== 'pod') || more.length > 0) return { kind: 'none' };
  if (namespace === undefined || first === undefined) return { kind: 'between', namespace };
  if (kind === 'pod') {
    const ip = podIp(first);
    return ip === undefined || second !== undefined ? { kind: 'none' } : { kind: 'pod', namespace, ip };
  }
  if (second === undefined) return { kind: 'service', namespace, service: first };
  if (third === undefined && !second.startsWith('_'))
    return { kind: 'endpoint', namespace, service: first, hostname: second };
  if (third?.startsWith('_') && second.startsWith('_'))
    return { kind: 'port', namespace, service: first, port: third.slice(1), protocol: second.slice(1) };
  return { kind: 'none' };
}

/** `1.0.43.10.in-addr.arpa` → `10.43.0.1`, and the like of ip6.arpa; undefined for any other name. */
export function readReverseName(name: string): string | undefined {
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (v4) return v4.slice(1).reverse().join('.');
  if (!/^([0-9a-f]\.){32}ip6\.arpa$/.test(name)) return undefined;
  const digits = name.slice(0, 63).split('.').reverse().join('');
  return (digits.match(/.{4}/g) ?? []).join(':');
}
