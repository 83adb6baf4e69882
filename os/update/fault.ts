import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';

/**
 * A moment of an upgrade at which a test may cut the power. The variable KNARR_FAULT of the tool names one of
 * `faultPoints` (os/update/phases.ts), and after a colon what happens there: `reset` (default: the machine starts anew
 * as after a power cut, nothing is written out), `kill` (the tool is killed), `fail` (an error).
 */
export type Reach = (point: string) => Promise<void>;

/** Where the image says that it is one for tests; elsewhere only the ways that harm nobody but the tool work. */
const testImage = '/usr/lib/knarr/test-image';

export function faultAt(variable: string | undefined, say: (text: string) => void): Reach {
  const [wanted, how = 'reset'] = variable?.split(':') ?? [];
  return async (point) => {
    if (point !== wanted) return;
    say(`fault: ${how} at ${point}`);
    if (how === 'fail') throw new Error(`fault at ${point}`);
    if (how === 'kill') process.kill(process.pid, 'SIGKILL');
    if (how === 'reset' && existsSync(testImage)) await appendFile('/proc/sysrq-trigger', 'b');
    // whatever was asked for is on its way
    await new Promise(() => {});
  };
}
