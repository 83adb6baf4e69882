import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Taint } from '../api/gen/core-v1.ts';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { ipFamily } from '../base/cidr.ts';
import { KnarrError, systemCode } from '../base/errors.ts';
import { parseComponentArguments } from './component-arguments.ts';
import { detectNodeAddresses } from './host-addresses.ts';
import { type KubeletOverrides, kubeletOverrides } from './kubelet-arguments.ts';
import { withConfigurationFiles } from './kubelet-configuration.ts';
import { nodeAnnotations, type StartedWith } from './node-annotations.ts';
import type { Paths } from './paths.ts';
import { type ProxyOverrides, proxyOverrides } from './proxy-arguments.ts';
import type { Values } from './values.ts';

/** What a machine is told about itself as a node; the same for a server's own node and for an agent. */
export interface NodeConfig {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly externalIps: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly kubelet: KubeletOverrides;
  readonly proxy: Partial<ProxyOverrides>;
  /** One sentence for each argument without effect. */
  readonly notices: readonly string[];
  /** Fail at start where the kernel's settings are not what Kubernetes wants. */
  readonly protectKernelDefaults: boolean;
  readonly lbServerPort: number;
  readonly loadBalancer: boolean;
  readonly flannelIface: string | undefined;
  readonly flannelCniConf: string | undefined;
  readonly resolvConf: string | undefined;
  readonly runtime: RuntimeConfig;
}

export interface RuntimeConfig {
  /** A runtime of the user's own; then none is configured or started. */
  readonly endpoint: string | undefined;
  readonly defaultRuntime: string | undefined;
  readonly pauseImage: string | undefined;
  readonly snapshotter: string;
  readonly registriesFile: string;
  readonly defaultEndpoint: boolean;
  readonly nonrootDevices: boolean;
  readonly selinux: boolean;
}

const refuse = (message: string): KnarrError => new KnarrError({ code: 'invalid-setting', blame: 'user', message });

/** `key=value` (or `key`, an empty value) pairs of labels. */
export function parseLabels(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, key = '', value = ''] = /^([^=]+)=?(.*)$/.exec(pair) ?? [];
      if (key === '') throw refuse(`--node-label: ${JSON.stringify(pair)} is not key=value`);
      return [key, value];
    }),
  );
}

/** `key[=value]:Effect` as a taint. */
export function parseTaint(text: string): Taint {
  const match = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(text);
  if (match === null)
    throw refuse(`--node-taint: ${JSON.stringify(text)} is not key=value:NoSchedule|PreferNoSchedule|NoExecute`);
  const [, key = '', value, effect = ''] = match;
  return value === undefined || value === '' ? { key, effect } : { key, value, effect };
}

async function persistentId(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    const id = randomBytes(4).toString('hex');
    await writeFileAtomic(path, `${id}\n`, { mode: 0o644 });
    return id;
  }
}

function checkAddresses(flag: string, addresses: readonly string[]): readonly string[] {
  for (const address of addresses)
    if (ipFamily(address) === undefined) throw refuse(`--${flag}: ${JSON.stringify(address)} is not an IP address`);
  return addresses;
}

async function nodeNameOf(values: Values, paths: Paths): Promise<string> {
  const base = (values.string('node-name') ?? hostname()).toLowerCase();
  const name = values.boolean('with-node-id') ? `${base}-${await persistentId(paths.nodeId)}` : base;
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) || name.length > 253)
    throw refuse(`the node's name ${JSON.stringify(name)} is not a DNS name; give another with --node-name`);
  return name;
}

export async function readNodeConfig(values: Values, paths: Paths, started: StartedWith): Promise<NodeConfig> {
  const given = checkAddresses('node-ip', values.list('node-ip'));
  const name = await nodeNameOf(values, paths);
  const nodeIps = given.length > 0 ? given : await detectNodeAddresses();
  const externalIps = checkAddresses('node-external-ip', values.list('node-external-ip'));
  const kubeletArguments = parseComponentArguments(values.list('kubelet-arg'));
  const kubelet = kubeletOverrides(await withConfigurationFiles(kubeletArguments, paths.agent.kubeletConfigs));
  const proxy = proxyOverrides(parseComponentArguments(values.list('kube-proxy-arg')));
  return {
    nodeName: name,
    nodeIps,
    externalIps,
    annotations: nodeAnnotations({ nodeName: name, internalIps: nodeIps, externalIps, started }),
    labels: parseLabels(values.list('node-label')),
    taints: values.list('node-taint').map(parseTaint),
    kubelet: kubelet.settings,
    proxy: proxy.settings,
    notices: [...kubelet.notices, ...proxy.notices],
    protectKernelDefaults: values.boolean('protect-kernel-defaults'),
    lbServerPort: values.integer('lb-server-port') ?? 6444,
    loadBalancer: !values.boolean('disable-apiserver-lb'),
    flannelIface: values.string('flannel-iface'),
    flannelCniConf: values.string('flannel-cni-conf'),
    resolvConf: values.string('resolv-conf'),
    runtime: {
      endpoint: values.string('container-runtime-endpoint'),
      defaultRuntime: values.string('default-runtime'),
      pauseImage: values.string('pause-image'),
      snapshotter: values.string('snapshotter') ?? 'overlayfs',
      registriesFile: values.string('private-registry') ?? paths.registries,
      defaultEndpoint: !values.boolean('disable-default-registry-endpoint'),
      nonrootDevices: values.boolean('nonroot-devices'),
      selinux: values.boolean('selinux'),
    },
  };
}
