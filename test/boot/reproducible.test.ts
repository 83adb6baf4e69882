import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inputsOf } from '../../build.ts';
import { makeDemoImage } from '../../images/machine/demo-image.ts';
import { buildParts } from '../../images/parts.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { makeStage, runStage } from '../../images/stage.ts';
import { diskOf } from '../../images/targets/disks.ts';
import { iso } from '../../images/targets/iso.ts';
import { rootfs } from '../../images/targets/rootfs.ts';
import { build, hostArch } from '../../images/tools/paths.ts';

// Made from packages in the same way whoever makes them, and dear: a second time only when all is to be tried.
const dear = process.env.KNARR_REPRODUCE === 'all' ? /^$/ : /^(base|kernel|initrd|node)-/;

const folder = join(build, 'test', `reproducible-${process.pid}`);
after(() => rm(folder, { recursive: true, force: true }));

/** Everything of a tree that an image can tell: paths, modes, owners, links, content. Times are not kept in images. */
async function contentOf(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const walk = async (path: string): Promise<void> => {
    const full = join(root, path);
    const info = await lstat(full);
    const facts = [info.mode.toString(8), info.uid, info.gid];
    if (info.isSymbolicLink()) facts.push(await readlink(full));
    else if (info.isFile()) {
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(full)) hash.update(chunk as Buffer);
      facts.push(hash.digest('hex'));
    }
    found.set(path, facts.join(' '));
    if (info.isDirectory()) for (const name of await readdir(full)) await walk(join(path, name));
  };
  await walk('.');
  return found;
}

/** The paths that differ. */
function differences(a: Map<string, string>, b: Map<string, string>): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((path) => path !== '.' && a.get(path) !== b.get(path)).sort();
}

test('the stages of a disk, an ISO and a root make the same bytes under another umask, time zone, time and folder', async () => {
  const progress = createProgress(process.stderr);
  const compared: string[] = [];
  const wrong: string[] = [];
  const twice: typeof runStage = async (stage, own) => {
    const first = await runStage(stage, own);
    if (dear.test(stage.name)) return first;
    const second = join(folder, `a-longer-name-than-before-${stage.name}`);
    await mkdir(second, { recursive: true });
    const before = { umask: process.umask(0o077), zone: process.env.TZ };
    process.env.TZ = 'Pacific/Kiritimati';
    try {
      await makeStage(stage, second, () => {});
    } finally {
      process.umask(before.umask);
      if (before.zone === undefined) delete process.env.TZ;
      else process.env.TZ = before.zone;
    }
    const paths = differences(await contentOf(first), await contentOf(second));
    // the partition table's definitions name folders
    const known = paths.filter((path) => !path.startsWith('repart.d'));
    wrong.push(...known.slice(0, 5).map((path) => `${stage.name}: ${path}`));
    compared.push(stage.name);
    await rm(second, { recursive: true });
    return first;
  };
  const addImages = [await makeDemoImage()];
  const inputs = await inputsOf({ arch: hostArch, compression: 'fast', addImages });
  const parts = await buildParts(inputs, 'vm', progress, twice);
  await diskOf(parts);
  await iso.make(parts, []);
  await rootfs.make(parts, []);
  assert.deepStrictEqual(wrong, []);
  assert.ok(compared.length >= 9, compared.join(' '));
});
