import { type ChildProcess, spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { commandLine } from '../../src/base/run.ts';

/** A program at a terminal of 80 columns and 24 rows, and somebody who reads and types there. */
export interface Terminal {
  /** Resolves when what is new on the screen since the last `see` matches. */
  see(pattern: RegExp, timeoutMs?: number): Promise<string>;
  type(keys: string): void;
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  close(): void;
}

export const keys = { enter: '\r', down: '\u001b[B', up: '\u001b[A', left: '\u001b[D', cancel: '\u0003' } as const;

export function openTerminal(program: string, args: readonly string[], env: Record<string, string> = {}): Terminal {
  const line = `stty rows 24 cols 80; exec ${commandLine(program, args)}`;
  const child: ChildProcess = spawn('script', ['--quiet', '--flush', '--return', '--command', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'vt100', ...env },
  });
  let screen = '';
  let wake = (): void => {};
  child.stdout?.on('data', (chunk: Buffer) => {
    screen += stripVTControlCharacters(chunk.toString());
    wake();
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve(code ?? -1);
      wake();
    });
  });
  let over = false;
  void ended.then(
    () => (over = true),
    () => (over = true),
  );
  return {
    ended,
    type: (text) => void child.stdin?.write(text),
    close: () => void child.kill('SIGKILL'),
    async see(pattern, timeoutMs = 90_000) {
      const until = performance.now() + timeoutMs;
      for (;;) {
        const found = pattern.exec(screen);
        if (found !== null) {
          screen = screen.slice(found.index + found[0].length);
          return found[0];
        }
        if (over || performance.now() > until)
          throw new Error(`${pattern} is not on the screen${over ? ', and the program has ended' : ''}:\n${screen}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 200);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
  };
}
