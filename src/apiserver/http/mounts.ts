import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MountedHandler } from '../server.ts';
import type { Exchange } from './exchange.ts';

/** Paths that others serve on the API's port, ahead of the API. */
export interface Mounts {
  add(prefix: string, handler: MountedHandler): void;
  /** True when a handler has taken it. */
  serve(exchange: Exchange): boolean;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
}

export function createMounts(): Mounts {
  const mounted: { prefix: string; handler: MountedHandler }[] = [];
  const find = (url: string): MountedHandler | undefined => {
    for (const { prefix, handler } of mounted) {
      if (!url.startsWith(prefix)) continue;
      const next = url[prefix.length];
      if (prefix.endsWith('/') || next === undefined || next === '/' || next === '?') return handler;
    }
    return undefined;
  };
  return {
    add(prefix, handler) {
      mounted.push({ prefix, handler });
      mounted.sort((a, b) => b.prefix.length - a.prefix.length);
    },
    serve(exchange) {
      if (mounted.length === 0) return false;
      const handler = find(exchange.url);
      if (!handler) return false;
      const { request, response } = exchange.takeOver();
      handler.request(request, response);
      return true;
    },
    upgrade(request, socket, head) {
      const handler = find(request.url ?? '/');
      if (!handler?.upgrade) return false;
      handler.upgrade(request, socket, head);
      return true;
    },
  };
}
