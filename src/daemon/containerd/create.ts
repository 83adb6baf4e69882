import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import type { RuntimeConfig } from '../node-config.ts';
import type { AgentPaths } from '../paths.ts';
import { containerdConfig } from './config.ts';
import { detectHost, type HostTraits } from './host-traits.ts';
import { createImageFolder, createImageStore, type ImageStore } from './images.ts';
import { choosePauseImage, ensurePauseImage } from './pause-image.ts';
import { createChildRunner, type Runner } from './process.ts';
import { containerdMajor, findCniFolder, findProgram, needProgram } from './programs.ts';
import { readRegistries, registryAuth, writeRegistryHosts } from './registries.ts';
import { withTemplate } from './template.ts';
import { createUnitRunner, hasOwnUnit } from './unit.ts';

/** The container runtime of this node. */
export interface ContainerRuntime extends Component {
  readonly endpoint: string;
  /** Known once started. */
  readonly host: HostTraits;
  readonly cniBinDir: string;
}

interface RuntimeOptions {
  config: RuntimeConfig;
  paths: AgentPaths;
  log: Logger;
}

/** The user's own runtime: nothing is configured, nothing is started. */
function foreignRuntime(endpoint: string, options: RuntimeOptions): ContainerRuntime {
  let host: HostTraits | undefined;
  let cniBinDir = '';
  return {
    name: 'runtime',
    endpoint,
    get host() {
      if (host === undefined) throw new Error('the runtime is not started');
      return host;
    },
    get cniBinDir() {
      return cniBinDir;
    },
    async start() {
      host = await detectHost();
      cniBinDir = await findCniFolder(options.paths.cniBinaries);
    },
    async stop() {},
  };
}

/**
 * OCI runtimes that are installed beside runc become handlers under their own names; where runc itself is not installed,
 * crun, which takes the same arguments, stands for it.
 */
async function otherRuntimes(): Promise<Map<string, string>> {
  const [runc, crun] = await Promise.all([findProgram('runc'), findProgram('crun')]);
  if (crun === undefined) return new Map();
  return new Map([['crun', crun], ...(runc === undefined ? [['runc', crun] as const] : [])]);
}

async function writeConfig(
  options: RuntimeOptions,
  host: HostTraits,
  cniBinDir: string,
): Promise<{
  program: string;
  pauseImage: string;
  changed: boolean;
}> {
  const { config, paths } = options;
  const [program, pauseImage, registries, runtimes] = await Promise.all([
    needProgram('containerd', 'containerd'),
    choosePauseImage(config.pauseImage),
    readRegistries(config.registriesFile),
    otherRuntimes(),
  ]);
  await writeRegistryHosts(paths.registryHosts, registries, config.defaultEndpoint);
  const major = await containerdMajor(program);
  const own = containerdConfig({
    major,
    root: paths.containerdRoot,
    state: paths.containerdState,
    socket: paths.containerdSocket,
    pauseImage,
    snapshotter: config.snapshotter,
    defaultRuntime: config.defaultRuntime ?? 'runc',
    cniConfDir: paths.cniConf,
    cniBinDir,
    registryHosts: paths.registryHosts,
    registryAuth: registryAuth(registries),
    systemdCgroup: host.cgroupDriver === 'systemd',
    restrictOomScore: !host.canLowerOomScore,
    selinux: config.selinux,
    nonrootDevices: config.nonrootDevices,
    runtimes,
  });
  const text = await withTemplate(own, major, paths.containerdTemplates);
  const before = await readFile(paths.containerdConfig, 'utf8').catch(() => '');
  if (before !== text) await writeFileAtomic(paths.containerdConfig, text, { mode: 0o600 });
  return { program, pauseImage, changed: before !== text };
}

function ownRuntime(options: RuntimeOptions): ContainerRuntime {
  const { paths, log } = options;
  let host: HostTraits | undefined;
  let cniBinDir = '';
  let runner: Runner | undefined;
  let images: ImageStore | undefined;
  let folder: Component | undefined;

  return {
    name: 'runtime',
    endpoint: `unix://${paths.containerdSocket}`,
    get host() {
      if (host === undefined) throw new Error('the runtime is not started');
      return host;
    },
    get cniBinDir() {
      return cniBinDir;
    },
    async start() {
      host = await detectHost();
      cniBinDir = await findCniFolder(paths.cniBinaries);
      const [{ program, pauseImage, changed }, ownUnit] = await Promise.all([
        writeConfig(options, host, cniBinDir),
        host.systemd && hasOwnUnit(paths.containerdConfig),
      ]);
      runner = ownUnit
        ? createUnitRunner({ socket: paths.containerdSocket, log })
        : createChildRunner({
            program,
            config: paths.containerdConfig,
            socket: paths.containerdSocket,
            pidFile: paths.containerdPid,
            logFile: paths.containerdLog,
            log,
          });
      await runner.ensure(changed);
      images = createImageStore({ socket: paths.containerdSocket, root: paths.containerdRoot });
      const lost = await images.recover();
      if (lost.length > 0) log.warn('images whose import was cut off are taken again', { images: lost.join(',') });
      await ensurePauseImage(pauseImage, images, paths.containerdState, log);
      folder = createImageFolder({ folder: paths.images, images, log });
      await folder.start();
    },
    async stop() {
      await folder?.stop();
      images?.close();
      await runner?.release();
    },
  };
}

/** containerd as this daemon configures it, or the runtime that the user named. */
export function createRuntime(options: RuntimeOptions): ContainerRuntime {
  const { endpoint } = options.config;
  return endpoint === undefined ? ownRuntime(options) : foreignRuntime(endpoint, options);
}
