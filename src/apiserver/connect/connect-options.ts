import { booleanOf } from '../handlers/options.ts';
import type { Draft } from '../registry/types.ts';

type Read = (query: URLSearchParams, path: string) => Record<string, unknown>;

const streams: Read = (query) => ({
  ...(booleanOf(query, 'stdin') ? { stdin: true } : {}),
  ...(booleanOf(query, 'stdout') ? { stdout: true } : {}),
  ...(booleanOf(query, 'stderr') ? { stderr: true } : {}),
  ...(booleanOf(query, 'tty') ? { tty: true } : {}),
  ...(query.get('container') ? { container: query.get('container') } : {}),
});
const proxied: Read = (_query, path) => (path === '' ? {} : { path });

const kinds: Readonly<Record<string, Read>> = {
  PodAttachOptions: streams,
  PodExecOptions: (query, path) => ({ ...streams(query, path), command: query.getAll('command') }),
  PodPortForwardOptions(query) {
    const ports = query.getAll('ports').flatMap((item) => item.split(','));
    return ports.length > 0 ? { ports: ports.map(Number) } : {};
  },
  PodProxyOptions: proxied,
  ServiceProxyOptions: proxied,
  NodeProxyOptions: proxied,
};

/** What a connection is asked for, as the object that admission sees. `path`: what a proxied request is for. */
export function connectOptions(kind: string, query: URLSearchParams, path: string): Draft | undefined {
  const read = kinds[kind];
  return read && ({ kind, apiVersion: 'v1', metadata: {}, ...read(query, path) } as Draft);
}
