import type { WebSocket } from 'ws';

const intervalMs = 15_000;

/** Pings the other side, and ends a connection on which nothing was heard for two intervals. Stops with the socket. */
export function keepAlive(socket: WebSocket): void {
  let heard = true;
  const mark = (): void => {
    heard = true;
  };
  socket.on('pong', mark).on('ping', mark).on('message', mark);
  const timer = setInterval(() => {
    if (!heard) return socket.terminate();
    heard = false;
    socket.ping();
  }, intervalMs);
  timer.unref();
  socket.on('close', () => clearInterval(timer));
}
