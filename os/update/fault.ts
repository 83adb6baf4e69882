import { appendFile } from 'node:fs/promises';

/**
 * A moment of an upgrade at which a test may cut the power. The variable KNARR_FAULT of the tool names one of
 * `faultPoints` (os/update/phases.ts), and after a colon what happens there: `reset` (default: the machine starts anew
 * as after a power cut, nothing is written out), `kill` (the tool is killed), `fail` (an error).
 */
export type Reach = (point: string) => Promise<void>;

export function faultAt(variable: string | undefined, say: (text: string) => void): Reach {
  const [wanted, how = 'reset'] = variable?.split(':') ?? [];
  return async (point) => {
    if (point !== wanted) return;
    say(`fault: ${how} at ${point}`);
    if (how === 'fail') throw new Error(`fault at ${point}`);
    if (how === 'kill') process.kill(process.pid, 'SIGKILL');
    if (how === 'reset') await appendFile('/proc/sysrq-trigger', 'b');
    // whatever was asked for is on its way
    await new Promise(() => {});
  };
}
