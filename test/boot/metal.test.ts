import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inputsOf } from '../../build.ts';
import { makeDemoImage } from '../../images/machine/demo-image.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { buildVm } from '../../images/targets/vm.ts';
import { build, hostArch } from '../../images/tools/paths.ts';
import { testMachine, untilConsole } from '../harness/vm.ts';

const folder = join(build, 'test', `metal-${process.pid}`);
after(() => rm(folder, { recursive: true, force: true }));

// The kernel that `metal`, `iso` and `rpi` have: what virtual machines have built in is a module there, or is not.
test('the image for real machines starts from a disk of NVMe, with what its builder has put in, and has a network', async () => {
  const [overlay, config] = [join(folder, 'overlay'), join(folder, 'config.yaml')];
  await mkdir(join(overlay, 'etc'), { recursive: true });
  await writeFile(join(overlay, 'etc/put-in'), 'by an overlay\n');
  await writeFile(config, '#cloud-config\nhostname: from-the-image\n');
  const images = [await makeDemoImage()];
  const inputs = {
    ...(await inputsOf({ arch: hostArch, compression: 'fast', addImages: images })),
    additions: { images, overlays: [overlay], config },
    packages: ['ethtool'],
  };
  const image = await buildVm(inputs, createProgress(process.stderr), 'metal');
  const machine = await testMachine({ name: 'metal', image, firmware: true, hardware: 'real' });
  try {
    await machine.start();
    await untilConsole(machine, /from-the-image: press Enter to log in/);
    const { stdout } = await machine.ssh(
      'cat /etc/put-in; uname -r; findmnt -no FSTYPE /; findmnt -no SOURCE,FSTYPE /var; /usr/sbin/ethtool -i $(ls /sys/class/net | grep ^e) | head -1',
    );
    const [put, kernel = '', root, kept, card] = stdout.trim().split('\n');
    assert.doesNotMatch(kernel, /cloud/);
    assert.deepStrictEqual(
      [put, root, kept?.split(/ +/), card],
      ['by an overlay', 'erofs', ['/dev/nvme0n1p4', 'ext4'], 'driver: e1000e'],
    );
  } finally {
    if (process.env.KNARR_KEEP === undefined) await machine.remove();
  }
});
