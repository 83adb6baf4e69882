import { direct } from '../../images/tools/chroot.ts';
import { run } from '../../src/base/run.ts';

/** Runs one of mtools' programs on a FAT file system that begins `offset` bytes into a disk; gives what it prints. */
export async function mtool(name: string, disk: string, offset: number, ...args: string[]): Promise<string> {
  const tool = direct(`usr/bin/${name}`);
  const env = { ...process.env, MTOOLS_SKIP_CHECK: '1', MTOOLSRC: '/dev/null' };
  return (await run(tool.program, [...tool.args, '-i', `${disk}@@${offset}`, ...args], { env })).stdout;
}
