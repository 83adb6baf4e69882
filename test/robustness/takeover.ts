import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { findAccelerator } from '../../images/machine/accelerator.ts';
import { until } from '../../images/machine/cluster.ts';
import { loginKey, openMachine } from '../../images/machine/machine.ts';
import { build, hostArch } from '../../images/tools/paths.ts';
import { requestOf } from '../../os/install/request.ts';
import { openInstallSource } from '../../os/install/source.ts';
import { makeMemoryImage } from '../../os/install/takeover/memory-image.ts';
import { readUpdateKeys } from '../../os/update/manifest.ts';
import { run } from '../../src/base/run.ts';
import { typeLine } from '../harness/console.ts';
import { testIsoParts } from '../harness/iso.ts';
import { patienceMs, testImage, untilConsole, untilReady } from '../harness/vm.ts';

/**
 * What kexec would start on a Linux that is taken over is started by QEMU instead, on a disk that has a system already:
 * it installs from its memory. Then the machine is started to be mended, and at last as itself.
 */
export async function takeOverMachine(say: (text: string) => void): Promise<void> {
  const folder = join(build, 'test', `takeover-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const image = await testImage();
  const { update, publicKey } = await testIsoParts();
  const accelerator = await findAccelerator();
  const name = `robust-takeover-${randomBytes(3).toString('hex')}`;
  const common = { name, image, accelerator, config: {} };
  let machine = await openMachine(common);
  const off = (): Promise<unknown> =>
    until('the machine to be off', patienceMs, async () => ((await machine.running()) ? undefined : true));
  try {
    const keys = join(folder, 'keys');
    await mkdir(keys);
    await writeFile(join(keys, 'own.pem'), publicKey);
    assert.equal((await readUpdateKeys([keys])).length, 1);
    const host = { path: (path: string) => path, run };
    const source = await openInstallSource({
      ...{ host, arch: hostArch, from: update, scratch: join(folder, 'source'), keyFolders: [keys], say },
    });
    const config = stringify({ hostname: 'taken-over', ssh_authorized_keys: [(await loginKey()).publicKey] });
    const request = { ...requestOf(), device: '/dev/vda', force: true, afterwards: 'power-off' } as const;
    const memory = await makeMemoryImage({ folder, source, config, request });
    const cmdline = join(folder, 'cmdline');
    await writeFile(cmdline, memory.commandLine);
    machine = await openMachine({ ...common, image: { ...image, ...memory, cmdline }, seedless: true });
    await machine.start();
    await untilConsole(machine, /knarr install: Knarr \S+ is on \/dev\/vda/);
    await off();
    say('a kernel with everything in memory has written the disk');

    const own = { ...common, firmware: true, blank: true, seedless: true };
    machine = await openMachine({ ...own, cmdline: 'knarr.mode=rescue' });
    await machine.start();
    await untilConsole(machine, /to be mended/);
    await until('a shell of root', patienceMs, async () => {
      await typeLine(machine, 'echo "$(id -un) $(findmnt -no FSTYPE /var) $(findmnt -no OPTIONS /var | cut -d, -f1)"');
      return /root (ext4|tmpfs) r[ow]/.exec(await machine.console())?.[0];
    }).then((seen) => assert.equal(seen, 'root ext4 ro'));
    await typeLine(machine, 'systemctl poweroff');
    await off();
    say('in rescue there is a shell of root, and /var is only read');

    machine = await openMachine(own);
    await machine.start();
    const kubectl = await untilReady(machine);
    assert.match(await kubectl.run('get', 'nodes'), /taken-over\s+Ready/);
    say('the machine that was taken over is a node');
  } finally {
    await machine.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await takeOverMachine((text) => void process.stdout.write(`${text}\n`));
