import assert from 'node:assert/strict';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { enrolledVariables, secureBootKeys, signEfi } from '../../images/secure-boot.ts';
import type { VmImage } from '../../images/targets/vm.ts';
import { runInTools } from '../../images/tools/chroot.ts';
import { build, hostArch } from '../../images/tools/paths.ts';
import { firmwareName } from '../../os/disk/esp-tree.ts';
import { readPartitions } from '../../os/disk/gpt.ts';
import { mtool } from '../harness/esp.ts';
import { testImage, testMachine, untilConsole } from '../harness/vm.ts';

// The firmware that enforces signatures is there for amd64 only.
const options = hostArch === 'amd64' ? {} : { skip: 'QEMU has no firmware with Secure Boot for this architecture' };

const folder = join(build, 'test', `secure-boot-${process.pid}`);
const certificate = join(folder, 'cert.pem');
const key = join(folder, 'key.pem');
let image: VmImage;
let secureVariables: string;

before(async () => {
  if (hostArch !== 'amd64') return;
  image = await testImage();
  await mkdir(folder, { recursive: true });
  const subject = ['-x509', '-newkey', 'rsa:2048', '-noenc', '-days', '3650', '-subj', '/CN=own'];
  await runInTools('openssl', ['req', ...subject, '-keyout', key, '-out', certificate]);
  secureVariables = await enrolledVariables(certificate, join(folder, 'variables.fd'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('firmware that trusts the key of a user starts nothing of an image without its signature', options, async () => {
  const machine = await testMachine({ name: 'unsigned', image, firmware: true, secureVariables });
  try {
    await machine.start();
    await untilConsole(machine, /Access Denied|Security Violation/);
    assert.doesNotMatch(await machine.console(), /knarr/i);
  } finally {
    await machine.remove();
  }
});

test('boot loader and unified kernel image that are signed with it boot', options, async () => {
  const disk = join(folder, 'disk.raw');
  await copyFile(image.disk, disk);
  const [esp] = (await readPartitions(disk)).partitions;
  assert.ok(esp !== undefined);
  const keys = await secureBootKeys(key, certificate);
  assert.ok(keys !== undefined);
  for (const path of [`EFI/BOOT/${firmwareName.amd64}`, `EFI/Linux/knarr_${image.version}.efi`]) {
    const program = join(folder, 'program.efi');
    await mtool('mcopy', disk, esp.start, '-n', `::${path}`, program);
    await signEfi(program, keys);
    await mtool('mcopy', disk, esp.start, '-o', program, `::${path}`);
  }
  const machine = await testMachine({ name: 'signed', image: { ...image, disk }, firmware: true, secureVariables });
  try {
    await machine.start();
    // firmware → boot loader → unified kernel image → its initrd: none of them refused
    await untilConsole(machine, /knarr: making room for \/var/);
  } finally {
    await machine.remove();
  }
});
