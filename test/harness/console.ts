import { open } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine } from '../../images/machine/machine.ts';

/** Types a line at the serial console of a machine that runs. */
export async function typeLine(machine: Machine, line: string): Promise<void> {
  // a socket's path may have 107 bytes: through the folder's own descriptor it is always short
  const directory = await open(machine.folder, 'r');
  const socket = createConnection(`/proc/self/fd/${directory.fd}/console.sock`);
  try {
    await new Promise<void>((resolve, reject) => socket.on('connect', resolve).on('error', reject));
    // a serial line has room for a few characters at once
    for (const key of `${line}\r`) {
      socket.write(key);
      await sleep(20);
    }
    await sleep(200);
  } finally {
    socket.destroy();
    await directory.close();
  }
}
