import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Component } from '../base/component.ts';
import type { Transport } from '../client/client.ts';

/** Who asks. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** The API server as the daemon holds it. */
export interface ApiServer extends Component {
  /** In-process access as `user`: no sockets, no bytes; admission and authorization apply as for anybody. */
  transport(user: UserInfo): Transport;
  /**
   * Serves paths under `prefix` on the API's port ahead of the Kubernetes API (`/cacerts`, `/v1-k3s/…`, `/ping`).
   * The handler does its own authentication; `upgrade` takes WebSocket and SPDY upgrades under the prefix.
   */
  mount(prefix: string, handler: MountedHandler): void;
  /** Adds a named check to `/readyz` (and `/livez` when `live`): resolves when good, rejects with the reason. */
  addCheck(name: string, check: () => Promise<void>, options?: { live?: boolean; health?: boolean }): void;
  /** The port really bound. */
  readonly port: number;
}

export interface MountedHandler {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/**
 * How the API server reaches a node, a pod or a service: a raw connection to host:port as seen from that node
 * (`nodeName` given: through that node's tunnel when it has one). Rejects with why it cannot be reached.
 */
export type Dialer = (target: { host: string; port: number; nodeName?: string | undefined }) => Promise<Duplex>;
