import type { RegistryAuth } from './registries.ts';
import { type Table, writeToml } from './toml.ts';

/** What the runtime's configuration depends on. */
export interface ContainerdSettings {
  /** Major version of containerd: 1 (1.7) or 2. */
  readonly major: number;
  readonly root: string;
  readonly state: string;
  readonly socket: string;
  readonly pauseImage: string;
  readonly snapshotter: string;
  readonly defaultRuntime: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  readonly registryHosts: string;
  readonly registryAuth: ReadonlyMap<string, RegistryAuth>;
  readonly systemdCgroup: boolean;
  /** True where lowering oom_score_adj is refused (no CAP_SYS_RESOURCE). */
  readonly restrictOomScore: boolean;
  readonly selinux: boolean;
  readonly nonrootDevices: boolean;
  /** Programs of OCI runtimes by the name of their handler; `runc` is always there. */
  readonly runtimes: ReadonlyMap<string, string>;
}

const runtimeTables = (settings: ContainerdSettings): Table =>
  Object.fromEntries(
    [...new Map([['runc', ''], ...settings.runtimes])].map(([name, program]) => [
      name,
      {
        runtime_type: 'io.containerd.runc.v2',
        options: {
          SystemdCgroup: settings.systemdCgroup,
          ...(program === '' ? {} : { BinaryName: program }),
        },
      },
    ]),
  );

const authTables = (auth: ContainerdSettings['registryAuth']): Table =>
  Object.fromEntries(
    [...auth].map(([host, { username, password, auth: basic, token }]) => [
      host,
      { auth: { username, password, auth: basic, identitytoken: token } },
    ]),
  );

const registryTable = (settings: ContainerdSettings): Table => ({
  config_path: settings.registryHosts,
  ...(settings.registryAuth.size === 0 ? {} : { configs: authTables(settings.registryAuth) }),
});

const runtimeSettings = (settings: ContainerdSettings): Table => ({
  enable_selinux: settings.selinux,
  enable_unprivileged_ports: true,
  enable_unprivileged_icmp: true,
  device_ownership_from_security_context: settings.nonrootDevices,
  restrict_oom_score_adj: settings.restrictOomScore,
});

// `image_pull_with_sync_fs`: without it a power cut soon after a pull leaves an image that counts as unpacked and whose
// files are empty, for ever.

/** containerd 1.7: configuration version 2, the CRI plugin in one piece. */
const pluginsOf1 = (settings: ContainerdSettings): Table => ({
  'io.containerd.grpc.v1.cri': {
    ...runtimeSettings(settings),
    sandbox_image: settings.pauseImage,
    image_pull_with_sync_fs: true,
    stream_server_address: '127.0.0.1',
    stream_server_port: '0',
    cni: { bin_dir: settings.cniBinDir, conf_dir: settings.cniConfDir },
    containerd: {
      snapshotter: settings.snapshotter,
      default_runtime_name: settings.defaultRuntime,
      disable_snapshot_annotations: true,
      runtimes: runtimeTables(settings),
    },
    registry: registryTable(settings),
  },
});

/** containerd 2: configuration version 3, images and runtime apart. */
const pluginsOf2 = (settings: ContainerdSettings): Table => ({
  'io.containerd.grpc.v1.cri': { stream_server_address: '127.0.0.1', stream_server_port: '0' },
  'io.containerd.cri.v1.images': {
    snapshotter: settings.snapshotter,
    disable_snapshot_annotations: true,
    image_pull_with_sync_fs: true,
    pinned_images: { sandbox: settings.pauseImage },
    registry: registryTable(settings),
  },
  'io.containerd.cri.v1.runtime': {
    ...runtimeSettings(settings),
    cni: { bin_dirs: [settings.cniBinDir], conf_dir: settings.cniConfDir },
    containerd: { default_runtime_name: settings.defaultRuntime, runtimes: runtimeTables(settings) },
  },
});

/** config.toml for this version of containerd. */
export function containerdConfig(settings: ContainerdSettings): string {
  return `# Written at every start; what is changed here is lost.\n${writeToml({
    version: settings.major === 1 ? 2 : 3,
    root: settings.root,
    state: settings.state,
    oom_score: settings.restrictOomScore ? 0 : -999,
    disabled_plugins: [
      'io.containerd.internal.v1.opt',
      'io.containerd.tracing.processor.v1.otlp',
      'io.containerd.internal.v1.tracing',
    ],
    grpc: { address: settings.socket },
    plugins: settings.major === 1 ? pluginsOf1(settings) : pluginsOf2(settings),
  })}`;
}
