import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { type ApiError, serviceUnavailable } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { Dialer } from '../server.ts';

/** Somewhere behind the API server: a kubelet, a pod, a service's endpoint, an aggregated server. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** The node whose network is meant, where it is not the server's own. */
  readonly nodeName?: string | undefined;
  readonly tls: TlsToTarget | undefined;
}

export interface TlsToTarget {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  /** What to do without `ca`: check against the authorities that the system trusts, or not at all (default). */
  readonly withoutCa?: 'system' | 'unchecked' | undefined;
  /** The name that the target's certificate must carry; default the host. */
  readonly name?: string | undefined;
}

const handshakeMs = 10_000;

/** A connection to `target`, TLS done. Rejects with a 503 ApiError that says where it failed. */
export async function connectTo(dial: Dialer, target: Target): Promise<Duplex> {
  const { host, port, nodeName, tls } = target;
  const failed = (error: unknown): ApiError => unreachable(`${host}:${port}`, error);
  let socket: Duplex;
  try {
    socket = await dial({ host, port, nodeName });
  } catch (error) {
    throw failed(error);
  }
  if (!tls) return socket;
  const name = tls.name ?? host;
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket,
      ...(tls.cert && tls.key ? { cert: tls.cert, key: tls.key } : {}),
      ...(tls.ca ? { ca: tls.ca } : { rejectUnauthorized: tls.withoutCa === 'system' }),
      // A name is checked as SNI would send it; addresses are compared with the certificate's addresses.
      ...(isIP(name) ? { host: name } : { servername: name, host: name }),
      ALPNProtocols: ['http/1.1'],
    });
    const timer = setTimeout(() => secure.destroy(new Error('TLS handshake took too long')), handshakeMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      secure.destroy();
      socket.destroy();
      reject(failed(error));
    };
    secure.once('error', fail);
    secure.once('secureConnect', () => {
      clearTimeout(timer);
      secure.removeListener('error', fail);
      resolve(secure);
    });
  });
}

/** Upstream answers 500 where a backend cannot be dialled; the message is Go's. */
export function unreachable(address: string, error: unknown): ApiError {
  const told = serviceUnavailable(`error dialing backend: dial tcp ${address}: ${messageOf(error)}`);
  told.cause = error;
  return told;
}
