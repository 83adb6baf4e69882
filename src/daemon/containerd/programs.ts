import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { KnarrError } from '../../base/errors.ts';
import { run } from '../../base/run.ts';

const usable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Where a program is, or undefined: on the PATH, then in the folders that daemons are seldom given. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
  ];
  for (const folder of new Set(folders)) {
    const path = join(folder, name);
    if (folder !== '' && (await usable(path))) return path;
  }
  return undefined;
}

export async function needProgram(name: string, debianPackage: string): Promise<string> {
  const path = await findProgram(name);
  if (path !== undefined) return path;
  throw new KnarrError({
    code: 'no-program',
    blame: 'world',
    message: `install ${name} (Debian package ${debianPackage}): it is not on the PATH`,
  });
}

/** The major version of containerd that is installed. */
export async function containerdMajor(program: string): Promise<number> {
  const { stdout } = await run(program, ['--version']);
  const match = / v?(\d+)\.(\d+)\.\d+/.exec(stdout);
  const [major, minor] = [Number(match?.[1]), Number(match?.[2])];
  if (major === 2 || (major === 1 && minor >= 7)) return major;
  throw new KnarrError({
    code: 'containerd-version',
    blame: 'world',
    message: `install containerd 1.7 or 2.x: ${program} says ${JSON.stringify(stdout.trim())}`,
  });
}

/** The first of these folders that holds the CNI plugins. */
export async function findCniFolder(own: string): Promise<string> {
  const folders = [own, '/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];
  for (const folder of folders) if (await usable(join(folder, 'bridge'))) return folder;
  throw new KnarrError({
    code: 'no-cni-plugins',
    blame: 'world',
    message: `install the CNI plugins (Debian package containernetworking-plugins): none of ${folders.join(', ')} has them`,
  });
}
