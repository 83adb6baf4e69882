import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { KnarrError } from '../base/errors.ts';

export interface Exchange {
  server: string;
  port: number;
  bytes: Buffer;
  timeoutMs: number;
}

const noAnswer = (server: string, why: string): KnarrError =>
  new KnarrError({ code: 'no-answer', blame: 'world', message: `name server ${server}: ${why}`, details: { server } });

/** Whether an answer belongs to a query: same id, is an answer, and repeats the question (0x20 spelling included). */
function answers(query: Buffer, answer: Buffer): boolean {
  if (answer.length < 12 || answer.readUInt16BE(0) !== query.readUInt16BE(0) || (answer.readUInt8(2) & 0x80) === 0)
    return false;
  if (answer.readUInt16BE(4) === 0) return true; // a refusal may leave the question out
  const end = 12 + questionLength(query);
  return answer.length >= end && answer.subarray(12, end).equals(query.subarray(12, end));
}

function questionLength(query: Buffer): number {
  let at = 12;
  while (query.readUInt8(at) !== 0) at += 1 + query.readUInt8(at);
  return at + 5 - 12;
}

/** Gives the query an id that nobody can guess; the caller's own comes back with `readdress`. */
function withFreshId(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(randomInt(0x10000), 0);
  return copy;
}

/** Asks once over UDP, from a port of its own, so that an answer is hard to forge. */
export function askUdp({ server, port, bytes, timeoutMs }: Exchange): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const query = withFreshId(bytes);
  const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
  const timer = setTimeout(() => reject(noAnswer(server, 'no answer in time')), timeoutMs);
  socket.on('error', (error) => reject(noAnswer(server, error.message)));
  socket.on('message', (answer) => {
    if (answers(query, answer)) resolve(answer);
  });
  // Connected: only this server's packets come in, and a refused port is heard of at once. Without a way to the server
  // there is an error and no 'connect'.
  socket.once('connect', () => {
    socket.send(query, (error) => {
      if (error) reject(noAnswer(server, error.message));
    });
  });
  socket.connect(port, server);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

/** Asks once over a TCP connection of its own. */
export function askTcp({ server, port, bytes, timeoutMs }: Exchange): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const query = withFreshId(bytes);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  const socket = connect({ host: server, port, timeout: timeoutMs });
  let received = Buffer.alloc(0);
  socket.on('error', (error) => reject(noAnswer(server, error.message)));
  socket.on('timeout', () => reject(noAnswer(server, 'no answer in time')));
  socket.on('close', () => reject(noAnswer(server, 'closed without an answer')));
  socket.on('data', (data) => {
    received = Buffer.concat([received, data]);
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
    const answer = received.subarray(2, 2 + received.readUInt16BE(0));
    if (answers(query, answer)) resolve(answer);
    else reject(noAnswer(server, 'answered another question'));
  });
  socket.write(Buffer.concat([length, query]));
  return promise.finally(() => socket.destroy());
}
