import { isIP } from 'node:net';
import { applyDefaults } from '../../api/defaults.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { parseKind } from '../../api/schema.ts';
import { type Exchange, headerOf } from '../http/exchange.ts';
import type { RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from '../server.ts';

/** The last is who is connected; the others say themselves whom they stand for. */
export function sourcesOf(exchange: Exchange): string[] {
  const forwarded = (headerOf(exchange.headers, 'x-forwarded-for') ?? '').split(',').map((part) => part.trim());
  const sources = forwarded.filter((address) => isIP(address) !== 0);
  const real = headerOf(exchange.headers, 'x-real-ip') ?? '';
  if (isIP(real) !== 0 && !sources.includes(real)) sources.push(real);
  const remote = exchange.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
  if (remote !== '' && sources.at(-1) !== remote) sources.push(remote);
  return sources;
}

const longestAgent = 1024;

export function agentOf(exchange: Exchange): string | undefined {
  const agent = headerOf(exchange.headers, 'user-agent');
  return agent !== undefined && agent.length > longestAgent ? `${agent.slice(0, longestAgent)}...TRUNCATED` : agent;
}

export const userOf = ({ name, uid, groups, extra }: UserInfo): object => ({
  ...(name === '' ? {} : { username: name }),
  ...(uid ? { uid } : {}),
  ...(groups.length > 0 ? { groups } : {}),
  ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
});

export function objectReference(info: RequestInfo): Record<string, string> | undefined {
  if (!info.isResource) return undefined;
  const { resource, namespace, name, group, version, subresource } = info;
  const all = { resource, namespace, name, apiGroup: group, apiVersion: version, subresource };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

export function withoutManagedFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { metadata, items } = value as { metadata?: object; items?: unknown[] };
  const bare = metadata && 'managedFields' in metadata ? { ...metadata, managedFields: undefined } : metadata;
  return {
    ...value,
    ...(metadata ? { metadata: bare } : {}),
    ...(Array.isArray(items) ? { items: items.map(withoutManagedFields) } : {}),
  };
}

/** The object with its defaults, as upstream's decoders fill them in. */
export function defaulted(object: object): object {
  const { apiVersion = '', kind = '' } = object as { apiVersion?: string; kind?: string };
  const copy = structuredClone(object) as KubernetesObject;
  applyDefaults(parseKind(apiVersion, kind), copy);
  return copy;
}

/** What was asked for in another form than the stored one: a table, or the metadata alone. */
export function transformed(headers: Exchange['headers'], body: Buffer | string | undefined): unknown {
  if (body === undefined || !headerOf(headers, 'accept')?.includes('as=')) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined; // packed, or not in JSON
  }
}
