import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { findAccelerator } from '../../images/machine/accelerator.ts';
import { until } from '../../images/machine/cluster.ts';
import { loginKey, openMachine } from '../../images/machine/machine.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { runInTools } from '../../images/tools/chroot.ts';
import { clone } from '../../images/tools/paths.ts';
import { run } from '../../src/base/run.ts';
import { typeLine } from '../harness/console.ts';
import { testFolder } from '../harness/folder.ts';
import { testIsoParts } from '../harness/iso.ts';
import { stockImage } from '../harness/stock-image.ts';
import { patienceMs, testImage, untilConsole, untilReady } from '../harness/vm.ts';

/** What the guest runs: the command of the documentation, as a person would give it. */
const guestProgram = `#!/bin/sh
mkdir -p /var/lib/knarr/update-keys
cp /opt/own.pem /var/lib/knarr/update-keys/
exec /opt/knarr/node_modules/.bin/node /opt/knarr/src/cli/main.ts install --takeover --force --force-efi \\
  --device /dev/vda --config /opt/node.yaml --source /opt/update --power-off
`;

/** A disk with a clone, an update and its key, and what is to be run. */
async function makeAlong(folder: string): Promise<string> {
  const { update, publicKey } = await testIsoParts();
  const [along, disk] = [join(folder, 'along'), join(folder, 'along.raw')];
  await mkdir(join(along, 'knarr'), { recursive: true });
  const parts = ['package.json', 'src', 'os', 'cloud-config', 'node_modules'].map((name) => join(clone, name));
  await run('cp', ['-a', ...parts, join(along, 'knarr')], { timeoutMs: patienceMs });
  await run('cp', ['-a', update, join(along, 'update')]);
  await writeFile(join(along, 'own.pem'), publicKey);
  const config = { hostname: 'taken-over', ssh_authorized_keys: [(await loginKey()).publicKey] };
  await writeFile(join(along, 'node.yaml'), stringify(config));
  await writeFile(join(along, 'run'), guestProgram, { mode: 0o755 });
  await runInTools('/usr/sbin/mkfs.ext4', ['-q', '-L', 'along', '-d', along, disk, '2G']);
  await rm(along, { recursive: true });
  return disk;
}

/**
 * A Debian that runs is taken over: kexec starts what has everything in memory, which writes the disk that Debian ran from.
 * Then the machine is started to be mended, and at last as itself.
 */
export async function takeOverMachine(say: (text: string) => void): Promise<void> {
  const folder = await testFolder('takeover');
  const image = await testImage();
  const debian = await stockImage('guest', createProgress(process.stderr));
  const accelerator = await findAccelerator();
  const name = `robust-takeover-${randomBytes(3).toString('hex')}`;
  const common = { name, image, accelerator, config: {} };
  const cmdline = join(folder, 'cmdline');
  await writeFile(cmdline, debian.cmdline);
  const media = [await makeAlong(folder)];
  const before = { ...common, image: { ...image, ...debian, cmdline }, media, seedless: true, memoryMb: 3072 };
  let machine = await openMachine(before);
  const off = (): Promise<unknown> =>
    until('the machine to be off', patienceMs, async () => ((await machine.running()) ? undefined : true));
  try {
    await machine.start();
    await untilConsole(machine, /takes over now/);
    say('a Debian that runs has checked what will replace it');
    await untilConsole(machine, /knarr install: Knarr \S+ is on \/dev\/vda/);
    await off();
    say('a kernel with everything in memory, started by kexec, has written the disk');

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
