import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { type UpgradeState, upgradeState } from '../../src/daemon/upgrade/state.ts';
import { bootOrder, entriesOn } from '../boot/entries.ts';
import { readMachineDisk } from '../disk/machine-disk.ts';
import { partitionedDisk } from '../disk/testing.ts';
import { manifestBytes, partitionUuid, signManifest, type UpdateManifest } from './manifest.ts';

/** For tests: a folder that looks like a machine with two slots, as far as upgrades look. */
export interface FakeMachine {
  readonly host: Host;
  readonly state: UpgradeState;
  readonly folder: string;
  /** Makes a signed update in a folder of its own; gives the folder. */
  makeUpdate(version: string, change?: (manifest: UpdateManifest) => UpdateManifest): Promise<string>;
  /** The version that would start now. Throws unless its slot and its entry hold what belongs to it. */
  next(): Promise<string>;
  /** Starts that version, as the boot loader does: with one try less, where the firmware can rename. */
  boot(options?: { counts: boolean }): Promise<string>;
  entries(): Promise<string[]>;
  remove(): Promise<void>;
}

const sector = 512;
const linux = '4f68bce3-e8cd-4db1-96e7-fbcaf984b709';
const sizeOf = (lbas: bigint): number => Number(lbas) * sector;

/** A disk whose partitions are the EFI system partition, two slots, `var`. */
export const makeDisk = (labels: readonly [string, string], uuids: readonly [string, string]): Buffer =>
  partitionedDisk(
    1 << 20,
    (
      [
        ['c12a7328-f81f-11d2-ba4b-00a0c93ec93b', 100n, 199n, 'esp', 'aaaaaaaa-0000-0000-0000-000000000001'],
        [linux, 200n, 299n, labels[0], uuids[0]],
        [linux, 300n, 399n, labels[1], uuids[1]],
        ['0fc63daf-8483-4772-8e79-3d69d8477de4', 400n, 499n, 'var', 'aaaaaaaa-0000-0000-0000-000000000004'],
      ] as const
    ).map(([type, first, last, label, uuid]) => ({ type, first, last, label, uuid })),
  );

const contentOf = (version: string, what: string): Buffer => Buffer.from(`${what} of ${version};`.repeat(500));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const uuidOf = (version: string): string => partitionUuid(sha256(Buffer.from(version)));

export async function fakeMachine(version = '1.36.3'): Promise<FakeMachine> {
  // in memory where there is such a folder: every write of an upgrade is synced
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'knarr-machine-'));
  const path = (name: string): string => join(folder, name);
  const put = async (name: string, data: string | Uint8Array): Promise<void> => {
    await mkdir(join(path(name), '..'), { recursive: true });
    await writeFile(path(name), data);
  };
  const disk = 'sys/devices/virtio/block/vda';
  const names = { 1: 'vda1', 2: 'vda2', 3: 'vda3', 4: 'vda4' };
  await mkdir(path('sys/class/block'), { recursive: true });
  await mkdir(path('sys/dev/block'), { recursive: true });
  for (const [number, name] of Object.entries(names)) {
    await put(`${disk}/${name}/partition`, `${number}\n`);
    await symlink(path(`${disk}/${name}`), path(`sys/class/block/${name}`));
    await symlink(path(`${disk}/${name}`), path(`sys/dev/block/253:${number}`));
    await put(`dev/${name}`, Buffer.alloc(sizeOf(100n)));
  }
  const runFrom = (number: number): Promise<void> =>
    put('proc/self/mountinfo', `21 1 253:${number} / / ro - erofs /dev/root ro\n`);
  await runFrom(2);
  await put('dev/vda', makeDisk([`knarr_${version}`, '_empty'], [uuidOf(version), uuidOf('')]));
  await put('dev/vda2', Buffer.concat([contentOf(version, 'root'), Buffer.alloc(100)]));
  await put(`run/knarr/esp/EFI/Linux/knarr_${version}.efi`, contentOf(version, 'uki'));
  await put('var/x', '');
  const release = (v: string): Promise<void> =>
    put('usr/lib/os-release', `ID=knarr\nVERSION_ID="${v}"\nVARIANT_ID=vm\n`);
  await release(version);
  const keys = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await put('usr/lib/knarr/update-keys/release.pem', keys.publicKey);

  const host: Host = {
    path,
    // what is mounted is there already, and the rest is the machine's own affair
    run: async () => ({ code: 0, stdout: '', stderr: '' }),
  };
  const state = upgradeState(path('var/lib/knarr/upgrade'));
  const entries = entriesOn(path('run/knarr/esp'));
  const next = async (): Promise<string> => {
    const [first] = bootOrder(await entries.list());
    if (first === undefined) throw new Error('nothing starts');
    const { running, other } = await readMachineDisk(host);
    const slot = [running, other].find((s) => s.version === first.version);
    if (slot?.partition.uuid !== uuidOf(first.version)) throw new Error(`${first.version} starts without its slot`);
    const root = contentOf(first.version, 'root');
    if (!(await readFile(slot.device)).subarray(0, root.length).equals(root))
      throw new Error(`${first.version} starts from a slot with something else in it`);
    if (!(await readFile(entries.path(first.file))).equals(contentOf(first.version, 'uki')))
      throw new Error(`the entry of ${first.version} is not whole`);
    return first.version;
  };
  return {
    host,
    state,
    folder,
    next,
    async makeUpdate(wanted, change = (manifest) => manifest) {
      const [root, uki] = [contentOf(wanted, 'root'), contentOf(wanted, 'uki')];
      const rootHash = sha256(Buffer.from(wanted));
      const bytes = manifestBytes(
        change({
          format: 'knarr-update/1',
          version: wanted,
          arch: process.arch === 'arm64' ? 'arm64' : 'amd64',
          flavour: 'vm',
          kubernetes: 'v1.36.4',
          builtAt: 0,
          rootHash,
          partition: partitionUuid(rootHash),
          files: [
            { role: 'root', name: 'root.img', size: root.length, sha256: sha256(root) },
            { role: 'uki', name: 'knarr.efi', size: uki.length, sha256: sha256(uki) },
          ],
        }),
      );
      const into = `updates/${wanted}`;
      await put(`${into}/manifest.json`, bytes);
      await put(`${into}/manifest.json.sig`, signManifest(bytes, keys.privateKey));
      await put(`${into}/root.img`, root);
      await put(`${into}/knarr.efi`, uki);
      return path(into);
    },
    async boot({ counts } = { counts: true }) {
      const starting = await next();
      const [first] = bootOrder(await entries.list());
      if (counts && first?.tries !== undefined && first.tries.left > 0)
        await entries.retry(first, { left: first.tries.left - 1, done: first.tries.done + 1 });
      const { running, other } = await readMachineDisk(host);
      const slot = [running, other].find((s) => s.version === starting);
      await runFrom(slot?.partition.number ?? 0);
      await release(starting);
      return starting;
    },
    entries: async () => (await entries.list()).map(({ file }) => file).sort(),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
