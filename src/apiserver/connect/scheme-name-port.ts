import { badRequest } from '../../api/status.ts';
import type { ResponseHeaders } from '../http/exchange.ts';
import type { Target } from './backend-connection.ts';

/** `name`, `name:port`, `scheme:name:port`: how the name in a proxy path is read. */
export interface SchemeNamePort {
  readonly scheme: 'http' | 'https' | '';
  readonly name: string;
  readonly port: string;
}

export function parseSchemeNamePort(id: string, resource: string): SchemeNamePort {
  const parts = id.split(':');
  const wrong = () => badRequest(`invalid ${resource.replace(/s$/, '')} request "${id}"`);
  if (parts.length === 1) return { scheme: '', name: id, port: '' };
  if (parts.length === 2) return { scheme: '', name: parts[0] ?? '', port: parts[1] ?? '' };
  const [scheme = '', name = '', port = ''] = parts;
  if (parts.length !== 3 || !['', 'http', 'https'].includes(scheme) || name === '') throw wrong();
  return { scheme: scheme as 'http', name, port };
}

/** A redirect to the target itself leads back through the proxy. */
export function rewriteLocation(headers: ResponseHeaders, target: Target, prefix: string): void {
  const { location } = headers;
  if (typeof location !== 'string') return;
  const own = new URL(
    `${target.tls ? 'https' : 'http'}://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`,
  );
  let url: URL;
  try {
    url = new URL(location, own);
  } catch {
    return;
  }
  if (url.host === own.host) headers.location = `${prefix}${url.pathname}${url.search}${url.hash}`;
}
