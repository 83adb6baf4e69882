import type { Component } from '../../base/component.ts';
import type { ServerWatch } from '../join/server-watch.ts';
import { createTunnelClient, type TunnelClientOptions } from './agent.ts';

/** One tunnel to every server, for as long as it is named. */
export function createTunnels(options: { servers: ServerWatch } & Omit<TunnelClientOptions, 'server'>): Component {
  const { servers, ...rest } = options;
  const tunnels = new Map<string, Component>();
  let stopped = false;

  const follow = (wanted: readonly string[]): void => {
    if (stopped) return;
    for (const [server, tunnel] of tunnels) {
      if (wanted.includes(server)) continue;
      tunnels.delete(server);
      void tunnel.stop();
    }
    for (const server of wanted) {
      if (tunnels.has(server)) continue;
      const tunnel = createTunnelClient({ ...rest, server: `https://${server}` });
      tunnels.set(server, tunnel);
      void tunnel.start();
    }
  };

  return {
    name: 'tunnels',
    async start() {
      servers.subscribe(follow);
      follow(servers.servers);
    },
    async stop() {
      stopped = true;
      await Promise.all([...tunnels.values()].map((tunnel) => tunnel.stop()));
    },
  };
}
