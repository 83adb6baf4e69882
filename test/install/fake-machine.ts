import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { runInTools } from '../../images/tools/chroot.ts';
import { type Arch, hostArch, nodePrograms, toolsTree } from '../../images/tools/paths.ts';
import { firmwareName } from '../../os/disk/esp-tree.ts';
import type { Installation } from '../../os/install/phases.ts';
import { requestOf } from '../../os/install/request.ts';
import {
  manifestBytes,
  manifestName,
  partitionUuid,
  signatureName,
  signManifest,
  type UpdateManifest,
  updateFormat,
} from '../../os/update/manifest.ts';
import { type RunResult, run } from '../../src/base/run.ts';

/** Why what writes whole disks cannot be tested here. */
export const skip = !existsSync(join(toolsTree, 'usr/bin/systemd-repart'))
  ? 'the tools of the image builder are not here: npm run image makes them'
  : process.getuid?.() !== 0
    ? 'mounting what was written takes root'
    : false;

/** Programs that an image has, taken from the tools tree; the others are this machine's. */
const ofTheImage = new Set(['systemd-repart']);

/** Not every kernel knows FAT: a mounted one is a copy of its files here. */
async function copyOfFat(args: readonly string[]): Promise<RunResult> {
  const offset = /offset=(\d+)/.exec(args.join(' '))?.[1] ?? '0';
  const [disk = '', folder = ''] = args.slice(-2);
  return runInTools('mcopy', ['-s', '-n', '-i', `${disk}@@${offset}`, '::/', folder], {
    env: { MTOOLS_SKIP_CHECK: '1', MTOOLSRC: '/dev/null' },
  });
}

/** A machine that is a folder, whose disks are files in it; it can really partition and format them. */
export function folderHost(root: string): Host {
  const copies = new Set<string>();
  return {
    path: (path) => (path.startsWith(root) ? path : join(root, path)),
    async run(program, args, options) {
      const last = args.at(-1) ?? '';
      if (program === 'mount' && args.includes('vfat')) {
        copies.add(last);
        return copyOfFat(args);
      }
      if (program === 'umount' && copies.delete(last)) {
        await rm(last, { recursive: true });
        await mkdir(last);
        return { code: 0, stdout: '', stderr: '' };
      }
      // The image has it; the machine that tests may not.
      if (program === 'busybox') return run(nodePrograms.busybox, args, options);
      return (ofTheImage.has(program) ? runInTools : run)(program, args, options);
    },
  };
}

export interface FakeUpdate {
  readonly folder: string;
  readonly keys: string;
  readonly manifest: UpdateManifest;
  readonly root: Buffer;
  readonly uki: Buffer;
}

/** A signed update whose files are random bytes: as much of one as an installer looks at. */
export async function fakeUpdate(host: Host, version: string): Promise<FakeUpdate> {
  const folder = host.path(`/updates/${version}`);
  const keys = host.path(`/keys/${version}`);
  await mkdir(folder, { recursive: true });
  await mkdir(keys, { recursive: true });
  const root = randomBytes(4 << 20);
  const uki = randomBytes(1 << 20);
  const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  const rootHash = digest(root);
  const manifest: UpdateManifest = {
    format: updateFormat,
    version,
    arch: hostArch satisfies Arch,
    kubernetes: 'v1.36.3',
    builtAt: 1,
    rootHash,
    partition: partitionUuid(rootHash),
    files: [
      { role: 'root', name: 'root.img', size: root.length, sha256: digest(root) },
      { role: 'uki', name: 'knarr.efi', size: uki.length, sha256: digest(uki) },
    ],
  };
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const bytes = manifestBytes(manifest);
  await writeFile(join(folder, manifestName), bytes);
  await writeFile(
    join(folder, signatureName),
    signManifest(bytes, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
  );
  await writeFile(join(folder, 'root.img'), root);
  await writeFile(join(folder, 'knarr.efi'), uki);
  await writeFile(join(keys, 'test.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  return { folder, keys, manifest, root, uki };
}

/** A disk of that many bytes with nothing on it. */
export async function emptyDisk(host: Host, name: string, size = 3 * 2 ** 30): Promise<string> {
  const path = host.path(`/${name}`);
  await writeFile(path, '');
  await truncate(path, size);
  return `/${name}`;
}

export async function readAt(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    await file.read(buffer, 0, length, offset);
    return buffer;
  } finally {
    await file.close();
  }
}

/** What `knarr install --silent` would hand to the phases for this update and disk. */
export async function installation(
  host: Host,
  update: FakeUpdate,
  device: string,
  request: Partial<Installation['request']> = {},
): Promise<Installation> {
  const efiFolder = '/usr/lib/knarr/efi';
  await mkdir(host.path(efiFolder), { recursive: true });
  await writeFile(join(host.path(efiFolder), firmwareName[hostArch]), 'the boot loader');
  return {
    host,
    arch: hostArch,
    request: { ...requestOf(), silent: true, device, source: update.folder, ...request },
    config: { text: '#cloud-config\nhostname: installed\n', warnings: [] },
    scratch: host.path('/var/tmp/knarr-install'),
    efiFolder,
    keyFolders: [update.keys],
    say: () => {},
  };
}

/** Mounts a partition of a disk that is a file for as long as `look` takes. */
export async function withMounted<T>(
  host: Host,
  disk: string,
  at: { start: number; size: number },
  options: { type: 'vfat' | 'ext4'; write?: boolean },
  look: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = host.path('/looked-into');
  await mkdir(folder, { recursive: true });
  const mode = options.write ? 'rw' : 'ro';
  await host.run('mount', [
    ...['-t', options.type, '-o', `${mode},loop,offset=${at.start},sizelimit=${at.size}`],
    host.path(disk),
    folder,
  ]);
  try {
    return await look(folder);
  } finally {
    await host.run('umount', [folder]);
  }
}
