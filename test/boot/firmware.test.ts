import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testImage, testMachine, untilConsole } from '../harness/vm.ts';

test('the disk boots by firmware, systemd-boot and the unified kernel image, and shuts down when asked', async () => {
  const machine = await testMachine({
    name: 'firmware',
    image: await testImage(),
    firmware: true,
    config: { hostname: 'by-firmware' },
  });
  try {
    await machine.start();
    await untilConsole(machine, /by-firmware: press Enter to log in/);
    const { stdout } = await machine.ssh('cat /proc/cmdline; ls /sys/firmware/efi | head -1');
    assert.match(stdout, /root=PARTLABEL=knarr_/);
    await machine.stop(120_000);
    assert.equal(await machine.running(), false);
    assert.match(await machine.console(), /Power down|Powering off|reboot: Power/i);
  } finally {
    await machine.remove();
  }
});
