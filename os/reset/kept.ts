import { cp, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { upgradeFolder, upgradeState } from '../../src/daemon/upgrade/state.ts';
import { type BootEntry, entriesOn } from '../boot/entries.ts';
import { withEsp } from '../boot/esp.ts';
import { type MachineDisk, readMachineDisk } from '../disk/machine-disk.ts';

/** The machine's own cloud-config. */
const configFolder = '/var/lib/rancher/k3os';
const configNames = ['config.yaml', 'config.d'] as const;

/** On the EFI system partition: what a reset hands to the new /var. */
const handedOver = 'knarr/reset';
const wipeMarker = join(handedOver, 'wipe');

/** Written once for the life of a /var. */
const bornFile = '/var/lib/knarr/born';
/** Says to the unit knarr-wipe that there is something to do, until it is done. */
export const wipeFile = '/var/lib/knarr/wipe';

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Puts on the EFI system partition what the next /var shall begin with; `esp` is where that is mounted. */
export async function handOver(
  host: Host,
  esp: string,
  options: { keepConfig: boolean; wipe: boolean },
): Promise<void> {
  const folder = join(esp, handedOver);
  await rm(folder, { recursive: true, force: true });
  if (options.keepConfig) {
    await mkdir(folder, { recursive: true });
    for (const name of configNames)
      if (await exists(host.path(join(configFolder, name))))
        await cp(host.path(join(configFolder, name)), join(folder, name), { recursive: true });
  }
  if (options.wipe) await writeFileAtomic(join(esp, wipeMarker), '\n');
  await host.run('sync', ['-f', esp]);
}

/** Takes what a reset handed over; the other side forgets it only when it is safe here. */
export async function takeOver(host: Host, esp: string): Promise<void> {
  const folder = join(esp, handedOver);
  const names: readonly string[] = await readdir(folder).catch(() => []);
  const target = host.path(configFolder);
  for (const name of configNames.filter((one) => names.includes(one))) {
    await mkdir(target, { recursive: true });
    await cp(join(folder, name), join(target, name), { recursive: true, force: true });
  }
  if (names.includes('config.yaml') || names.includes('config.d')) await host.run('sync', ['-f', dirname(target)]);
  if (await exists(join(esp, wipeMarker))) await writeFileAtomic(host.path(wipeFile), '\n');
  await rm(folder, { recursive: true, force: true });
}

/**
 * That a version is on trial is known from /var alone. A new one, after a reset by the kernel's command line, learns it from
 * the boot loader, which counts on: otherwise nobody would keep what runs, and one day another version would start.
 */
async function goOnTrying(host: Host, { running, other }: MachineDisk, entries: readonly BootEntry[]): Promise<void> {
  const [own, back] = [running, other].map((slot) => entries.find(({ version }) => version === slot.version));
  if (own?.tries === undefined || back === undefined) return;
  const at = Math.floor(Date.now() / 1000);
  await upgradeState(host.path(upgradeFolder)).write('pending', {
    id: `${own.version}-${at}`,
    kind: 'upgrade',
    from: back.version,
    to: own.version,
    tries: own.tries.left + own.tries.done,
    deadlineSeconds: 600,
    source: 'what was on trial before the reset',
    at,
  });
}

/** At the first boot with a new /var: looks whether a reset left something for it. */
export async function beBorn(host: Host, version: string, now = new Date()): Promise<void> {
  if (await exists(host.path(bornFile))) return;
  const disk = await readMachineDisk(host).catch(() => undefined);
  if (disk) {
    const [left, entries] = await withEsp(host, disk, 'read', async (esp) => [
      await readdir(join(esp, handedOver)).catch(() => []),
      await entriesOn(esp).list(),
    ]);
    if (left.length > 0) await withEsp(host, disk, 'write', (esp) => takeOver(host, esp));
    await goOnTrying(host, disk, entries);
  }
  await writeFileAtomic(host.path(bornFile), `${JSON.stringify({ version, at: now.toISOString() })}\n`);
}

/** Overwrites what the /var before this one left in blocks that this one does not use, and forgets that it was asked to. */
export async function wipe(host: Host): Promise<void> {
  const file = host.path('/var/.wipe');
  await rm(file, { force: true });
  // ends when there is no room any more, which is what is wanted
  await host.run('dd', ['if=/dev/zero', `of=${file}`, 'bs=4M', 'conv=fsync'], {
    okCodes: [0, 1],
    timeoutMs: 2 ** 31 - 1,
  });
  await host.run('sync', ['-f', host.path('/var')]);
  await rm(file, { force: true });
  await host.run('fstrim', [host.path('/var')], { okCodes: [0, 1, 32] });
  await rm(host.path(wipeFile), { force: true });
}
