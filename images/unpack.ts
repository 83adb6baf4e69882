import { spawn } from 'node:child_process';
import { KnarrError } from '../src/base/errors.ts';
import { excluded } from './packages.ts';

/** What a Debian package unpacks, into `root`, its scripts not run. */
export async function unpack(file: string, root: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const from = spawn('dpkg-deb', ['--fsys-tarfile', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const args = ['-x', '-C', root, '--keep-directory-symlink', '--same-permissions', '--numeric-owner', '--wildcards'];
  const to = spawn('tar', [...args, ...excluded.map((pattern) => `--exclude=${pattern}`)], {
    stdio: [from.stdout, 'inherit', 'inherit'],
  });
  from.stdout.destroy(); // tar has it
  let left = 2;
  const ended = (code: number | null): void => {
    if (code !== 0) reject(new KnarrError({ code: 'unpack', blame: 'world', message: `could not unpack ${file}` }));
    else if (--left === 0) resolve();
  };
  for (const child of [from, to]) child.on('error', reject).on('exit', ended);
  return promise;
}
