/**
 * The channel protocols of exec, attach and (old) port-forward over WebSocket: each message starts with the number of its
 * channel. `v5` can end a channel (255, then its number); in the base64 form the number is a digit and the rest base64.
 */
export const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
const closeChannel = 255;

export interface RemoteCommandProtocol {
  readonly name: string;
  readonly base64: boolean;
  /** The error channel carries a `Status` object instead of text (`v4` on). */
  readonly statusErrors: boolean;
  readonly canClose: boolean;
}

const table: readonly RemoteCommandProtocol[] = [
  { name: 'v5.channel.k8s.io', base64: false, statusErrors: true, canClose: true },
  { name: 'v4.channel.k8s.io', base64: false, statusErrors: true, canClose: false },
  { name: 'v4.base64.channel.k8s.io', base64: true, statusErrors: true, canClose: false },
  { name: 'channel.k8s.io', base64: false, statusErrors: false, canClose: false },
  { name: 'base64.channel.k8s.io', base64: true, statusErrors: false, canClose: false },
];

/** The first protocol of the server's preference that the client offers. */
export function chooseProtocol(offered: Iterable<string>): RemoteCommandProtocol | undefined {
  const set = new Set(offered);
  return table.find((p) => set.has(p.name));
}

export type ChannelMessage = { type: 'data'; channel: number; data: Buffer } | { type: 'close'; channel: number };

/** Undefined for an empty message. */
export function decodeMessage(protocol: RemoteCommandProtocol, message: Buffer): ChannelMessage | undefined {
  const first = message[0];
  if (first === undefined) return undefined;
  if (protocol.base64) {
    const data = Buffer.from(message.toString('ascii', 1), 'base64');
    return { type: 'data', channel: first - 0x30, data };
  }
  if (protocol.canClose && first === closeChannel && message[1] !== undefined)
    return { type: 'close', channel: message[1] };
  return { type: 'data', channel: first, data: message.subarray(1) };
}

export function encodeMessage(protocol: RemoteCommandProtocol, channel: number, data: Uint8Array): Buffer {
  if (protocol.base64) return Buffer.from(String(channel) + Buffer.from(data).toString('base64'), 'ascii');
  return Buffer.concat([Buffer.from([channel]), data]);
}

/** What tells the server that a channel of the client has ended; undefined where the protocol cannot. */
export const encodeClose = (protocol: RemoteCommandProtocol, channel: number): Buffer | undefined =>
  protocol.canClose ? Buffer.from([closeChannel, channel]) : undefined;
