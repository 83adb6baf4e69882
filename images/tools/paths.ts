import { join, resolve } from 'node:path';

/** The folder of the clone. */
export const clone = resolve(import.meta.dirname, '../..');

/**
 * Everything that is made, and the only place where anything is made:
 *
 *   build/
 *     tools/
 *       tree/      a Debian 13 tree with QEMU, firmware, repart, ukify, mkfs.erofs, …
 *       node/      programs for test nodes on this machine: containerd, CNI plugins, catatonit, kubectl, busybox
 *     cache/       outputs of build stages, by the hash of their inputs; downloaded packages
 *     out/<arch>/  links to the newest outputs
 *     out/images/  images that were asked for, where no other folder was named
 *     vm/<name>/   running machines: disk, console log, pid, sockets
 */
export const build = join(clone, 'build');
export const toolsTree = join(build, 'tools/tree');
export const nodeTools = join(build, 'tools/node');
export const cache = join(build, 'cache');
export const out = join(build, 'out');
export const machines = join(build, 'vm');

/** Programs for a test node on this machine (Debian 13's, and kubectl of the newest release that has 1.36). */
export const nodePrograms = {
  containerd: join(nodeTools, 'usr/bin/containerd'),
  ctr: join(nodeTools, 'usr/bin/ctr'),
  shim: join(nodeTools, 'usr/bin/containerd-shim-runc-v2'),
  cniFolder: join(nodeTools, 'usr/lib/cni'),
  catatonit: join(nodeTools, 'usr/bin/catatonit'),
  kubectl: join(nodeTools, 'usr/bin/kubectl'),
  busybox: join(nodeTools, 'usr/bin/busybox'),
} as const;

export type Arch = 'amd64' | 'arm64';

/** This machine's architecture by Debian's name. */
export const hostArch: Arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
