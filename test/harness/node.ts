import type { ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { access, mkdir, readdir, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build, clone } from '../../images/tools/paths.ts';
import type { RunOptions, RunResult } from '../../src/base/run.ts';
import { testImages } from './images.ts';
import { type Namespace, openNamespace } from './namespace.ts';
import type { TestNetwork } from './network.ts';
import type { NodePrograms } from './programs.ts';

/** One machine of the fast tier: namespaces on this machine with a containerd and a daemon of their own. */
export interface TestNode {
  readonly name: string;
  readonly address: string;
  readonly folder: string;
  exec(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  spawn: Namespace['spawn'];
  kubectl(...args: string[]): Promise<string>;
  /** Starts `knarr <args>`; resolves at once. */
  start(...args: string[]): Promise<void>;
  /** Ends the daemon alone; containers go on. Resolves when it is gone. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** What the daemon wrote since the node was made. */
  log(): Promise<string>;
  readonly exitCode: number | null | undefined;
  /** A process of the node, as this machine names it. */
  readonly pid: number;
  /** When the daemon was started last, in milliseconds since 1970. */
  readonly startedAt: number;
  close(): Promise<void>;
}

/** Everything under the machine's own /etc, /run and /var is the node's; the clone stays as it is. */
const setup = (name: string, folder: string): string => `
mount --make-rprivate /
for tree in etc var; do
  mkdir -p ${folder}/$tree.upper ${folder}/$tree.work
  mount -t overlay overlay -o lowerdir=/$tree,upperdir=${folder}/$tree.upper,workdir=${folder}/$tree.work /$tree
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns /run/cgroup
mount --rbind /sys/fs/cgroup /run/cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/cgroup /sys/fs/cgroup
for path in /var/lib/rancher /var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers; do
  rm -rf $path
  mkdir -p $path ${folder}/data$path
  mount --bind ${folder}/data$path $path
done
rm -rf /etc/rancher /etc/cni
ip link set lo up
hostname ${name}
`;

const cgroupRoots = '/sys/fs/cgroup';

/** Removes the node's cgroups, from the leaves up, in every hierarchy; its last processes may still be ending. */
async function removeCgroups(name: string): Promise<void> {
  const removeBelow = async (path: string): Promise<void> => {
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory()) await removeBelow(join(path, entry.name));
    await rmdir(path).catch(() => {});
  };
  const exists = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );
  const hierarchies = ['', ...(await readdir(cgroupRoots).catch(() => []))];
  for (const path of hierarchies.map((hierarchy) => join(cgroupRoots, hierarchy, name)))
    for (let attempt = 0; attempt < 40 && (await exists(path)); attempt++) {
      await removeBelow(path);
      if (await exists(path)) await sleep(50);
    }
}

/** Clears what test processes left that were killed before they could: their nodes died with them, files did not. */
export async function sweepTestNodes(): Promise<void> {
  for (const entry of await readdir(join(build, 'test')).catch(() => [])) {
    const owner = /^knarr-test-(\d+)-/.exec(entry)?.[1];
    if (
      owner === undefined ||
      (await access(`/proc/${owner}`).then(
        () => true,
        () => false,
      ))
    )
      continue;
    await removeCgroups(entry);
    await rm(join(build, 'test', entry), { recursive: true, force: true });
  }
}

export async function createTestNode(options: {
  name: string;
  /** With its prefix: `10.99.0.1/24`. */
  address: string;
  network: TestNetwork;
  programs: NodePrograms;
}): Promise<TestNode> {
  const { name, network, programs } = options;
  const id = `knarr-test-${process.pid}-${name}`;
  const folder = join(build, 'test', id);
  await mkdir(folder, { recursive: true });
  const tools = [
    programs.busybox,
    programs.containerd,
    programs.ctr,
    programs.shim,
    programs.catatonit,
    programs.kubectl,
  ].map((p) => dirname(p));
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: [...new Set(tools), process.env.PATH ?? '', '/usr/sbin:/usr/bin:/sbin:/bin'].join(':'),
  };
  // Shared by all test nodes: a new machine starts as one that has started before.
  env.NODE_COMPILE_CACHE = join(build, 'test/compiled');
  const space = await openNamespace({ setup: setup(name, folder), init: [programs.catatonit, '-P'], env });
  await network.attach(space, options.address);

  const data = join(folder, 'data/var/lib/rancher/k3s');
  await mkdir(join(data, 'agent/images'), { recursive: true });
  await mkdir(join(data, 'data'), { recursive: true });
  await symlink(programs.cniFolder, join(data, 'data/cni'));
  await writeFile(join(data, 'agent/images/test.tar'), await testImages(programs));

  const logFile = join(folder, 'knarr.log');
  let daemon: ChildProcess | undefined;
  let startedAt = 0;
  let exited: Promise<void> = Promise.resolve();
  const exec: TestNode['exec'] = (program, args, runOptions = {}) => space.exec(program, args, { env, ...runOptions });

  return {
    name,
    address: options.address.split('/')[0] ?? '',
    folder,
    exec,
    spawn: (program, args, spawnOptions = {}) => space.spawn(program, args, { env, ...spawnOptions }),
    async kubectl(...args) {
      return (await exec(programs.kubectl, ['--kubeconfig', '/etc/rancher/k3s/k3s.yaml', ...args])).stdout;
    },
    pid: space.pid,
    get startedAt() {
      return startedAt;
    },
    get exitCode() {
      return daemon?.exitCode;
    },
    async start(...args) {
      const [command = 'server', ...rest] = args;
      // How full the disk is that the folder lies on is not the node's business.
      const eviction = 'eviction-hard=memory.available<100Mi';
      const words = [command, '--kubelet-arg', `cgroup-root=/${id}`, '--kubelet-arg', eviction, ...rest];
      startedAt = Date.now();
      const child = space.spawn(
        'sh',
        ['-c', 'echo $$ > /run/knarr.pid; exec "$@"', 'sh', process.execPath, join(clone, 'src/cli/main.ts'), ...words],
        { stdio: ['ignore', 'pipe', 'pipe'], env },
      );
      daemon = child;
      exited = new Promise((resolve) => child.once('exit', () => resolve()));
      const file = createWriteStream(logFile, { flags: 'a' });
      child.stdout?.pipe(file, { end: false });
      child.stderr?.pipe(file, { end: false });
    },
    async kill(signal) {
      if (daemon === undefined || daemon.exitCode !== null) return;
      // it may have ended by itself in between
      await exec('sh', ['-c', `p=$(cat /run/knarr.pid); kill -${signal.slice(3)} $p || [ ! -e /proc/$p ]`]);
      await exited;
      daemon = undefined;
    },
    log: () => readFile(logFile, 'utf8').catch(() => ''),
    async close() {
      await space.close();
      await exited;
      await removeCgroups(id);
      if (process.env.KNARR_TEST_KEEP === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
