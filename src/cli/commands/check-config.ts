import { access, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { hasCapability } from '../../daemon/containerd/host-traits.ts';
import { findProgram } from '../../daemon/containerd/programs.ts';
import { detectCgroups } from '../../host/cgroups.ts';

interface Check {
  readonly name: string;
  /** Resolves with a remark; rejects with what to do. */
  run(): Promise<string>;
  /** Without it there is no node; otherwise something is missing that a node can do without. */
  readonly needed: boolean;
}

const program = (name: string, packageName: string, needed = true): Check => ({
  name: `program ${name}`,
  needed,
  async run() {
    const path = await findProgram(name);
    if (path === undefined) throw new Error(`install the Debian package ${packageName}`);
    return path;
  },
});

async function kernelConfig(): Promise<string | undefined> {
  for (const path of ['/proc/config.gz', `/boot/config-${release()}`]) {
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes !== undefined) return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  }
  return undefined;
}

const option = (name: string, needed: boolean): Check => ({
  name: `kernel ${name}`,
  needed,
  async run() {
    const config = await kernelConfig();
    if (config === undefined) return 'not known: the kernel does not show its configuration';
    const value = new RegExp(`^CONFIG_${name}=([ym])$`, 'm').exec(config)?.[1];
    if (value === undefined) throw new Error('the kernel was built without it');
    return value === 'y' ? 'built in' : 'module';
  },
});

const checks: readonly Check[] = [
  {
    name: 'root',
    needed: true,
    async run() {
      if (process.getuid?.() !== 0) throw new Error('run it as root');
      return 'yes';
    },
  },
  program('containerd', 'containerd'),
  program('runc', 'runc'),
  program('nft', 'nftables'),
  program('ip', 'iproute2'),
  program('iptables', 'iptables'),
  program('conntrack', 'conntrack', false),
  program('catatonit', 'catatonit', false),
  program('kubectl', 'kubectl', false),
  {
    name: 'CNI plugins',
    needed: true,
    async run() {
      for (const folder of ['/usr/lib/cni', '/opt/cni/bin']) {
        const there = await access(`${folder}/bridge`).then(
          () => true,
          () => false,
        );
        if (there) return folder;
      }
      throw new Error('install the Debian package containernetworking-plugins');
    },
  },
  {
    name: 'cgroups',
    needed: true,
    async run() {
      const { version, mounts } = await detectCgroups();
      if (Object.keys(mounts).length === 0) throw new Error('no cgroup controllers are mounted');
      return `version ${version}`;
    },
  },
  {
    name: 'CAP_SYS_RESOURCE',
    needed: false,
    async run() {
      if (!hasCapability(await readFile('/proc/self/status', 'utf8'), 24n))
        throw new Error('oom_score_adj cannot be lowered');
      return 'yes';
    },
  },
  ...['OVERLAY_FS', 'VETH', 'BRIDGE', 'NF_TABLES', 'NETFILTER_XT_MATCH_COMMENT'].map((name) => option(name, true)),
  ...['VXLAN', 'BRIDGE_NETFILTER', 'CGROUP_PIDS', 'MEMCG', 'CFS_BANDWIDTH', 'WIREGUARD'].map((name) =>
    option(name, false),
  ),
];

export async function run(): Promise<number> {
  let missing = 0;
  for (const { name, needed, run: check } of checks) {
    const [state, remark] = await check().then(
      (text) => ['ok', text] as const,
      (error: Error) => [needed ? 'missing' : 'absent', error.message] as const,
    );
    if (state === 'missing') missing++;
    process.stdout.write(`${state.padEnd(8)} ${name.padEnd(34)} ${remark}\n`);
  }
  process.stdout.write(
    missing === 0 ? '\nthis machine can be a node\n' : `\n${missing} things are missing for a node\n`,
  );
  return missing === 0 ? 0 : 1;
}
