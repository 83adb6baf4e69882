import { spawn } from 'node:child_process';
import { KnarrError, systemCode } from '../../base/errors.ts';

/** Runs a program in our place, with our terminal; resolves with its exit code. */
export function runProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  return new Promise((resolve, reject) => {
    child.on('error', (error) =>
      reject(
        systemCode(error) === 'ENOENT'
          ? new KnarrError({ code: 'no-program', blame: 'world', message: `install ${program}: it is not on the PATH` })
          : error,
      ),
    );
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}
