import { open } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { KnarrError } from '../../src/base/errors.ts';

/** Sends one command to the monitor of a running QEMU; `folder` holds its socket `qmp.sock`. */
export async function qmp(folder: string, command: string): Promise<void> {
  // a socket's path may have 107 bytes: through the folder's own descriptor it is always short
  const directory = await open(folder, 'r');
  const socket = createConnection(`/proc/self/fd/${directory.fd}/qmp.sock`);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (why: string): void =>
    reject(new KnarrError({ code: 'qmp', blame: 'world', message: `${command}: ${why}` }));
  socket.setTimeout(5000, () => failed('no answer'));
  socket.on('error', (error) => failed(error.message));
  socket.on('close', () => (command === 'quit' ? resolve() : failed('closed')));
  createInterface({ input: socket })
    .on('line', (line) => {
      const message = JSON.parse(line);
      if ('QMP' in message) socket.write(`${JSON.stringify({ execute: 'qmp_capabilities', id: 'hello' })}\n`);
      else if (message.id === 'hello') socket.write(`${JSON.stringify({ execute: command, id: 'command' })}\n`);
      else if (message.id === 'command') 'return' in message ? resolve() : failed(JSON.stringify(message.error));
    })
    .on('error', () => {});
  try {
    await promise;
  } finally {
    socket.destroy();
    await directory.close();
  }
}
