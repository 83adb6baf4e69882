import { cidrAddress, ipFamily, parseCidr } from '../base/cidr.ts';
import { KnarrError } from '../base/errors.ts';
import type { Level } from '../base/log.ts';
import { type KeyKind, keyKinds } from '../store/encryption/k3s-file.ts';
import { apiServerSettings } from './apiserver-arguments.ts';
import type { ApiServerSettings } from './apiserver-settings.ts';
import { parseComponentArguments } from './component-arguments.ts';
import { canonical, readConfigFiles, readEnvironment } from './config-file.ts';
import { type ControllerOverrides, controllerOverrides, schedulerArguments } from './control-plane-arguments.ts';
import { flagsOf, type Role } from './flags/table.ts';
import { detectNodeAddresses } from './host-addresses.ts';
import { type StartedWith, startedWith } from './node-annotations.ts';
import { type NodeConfig, readNodeConfig } from './node-config.ts';
import { createPaths, type Paths } from './paths.ts';
import { createValues, type RawValues, type Values } from './values.ts';

const refuse = (message: string): KnarrError => new KnarrError({ code: 'invalid-setting', blame: 'user', message });

export interface CommonConfig {
  readonly role: Role;
  readonly paths: Paths;
  readonly logLevel: Level;
  readonly logFile: string | undefined;
  readonly logToStderr: boolean;
  /** Sentences to log once: settings without effect, unknown keys. */
  readonly notices: readonly string[];
}

export interface ServerConfig extends CommonConfig {
  readonly role: 'server';
  readonly bindAddress: string;
  readonly port: number;
  readonly advertiseAddress: string;
  readonly advertisePort: number;
  readonly tlsNames: readonly string[];
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly nodePorts: { readonly from: number; readonly to: number };
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** First address of each service network: where the API is inside the cluster. */
  readonly apiServiceAddress: string;
  readonly flannelBackend: 'vxlan' | 'host-gw' | 'none';
  readonly flannelIpv6Masquerade: boolean;
  readonly tunnel: boolean;
  readonly token: Secret;
  readonly agentToken: Secret;
  readonly kubeconfig: {
    readonly path: string;
    readonly mode: number;
    readonly group: string | undefined;
    readonly name: string;
  };
  readonly disabled: ReadonlySet<string>;
  readonly scheduler: boolean;
  readonly controllers: boolean;
  readonly cloudController: boolean;
  readonly serviceProxy: boolean;
  readonly networkPolicy: boolean;
  readonly api: ApiServerSettings;
  /** Whether Secrets are encrypted in the datastore, and how new keys are used. */
  readonly secretsEncryption: { readonly wanted: boolean; readonly kind: KeyKind };
  readonly controllerSettings: Partial<ControllerOverrides>;
  /** This machine as a node; undefined with --disable-agent. */
  readonly node: NodeConfig | undefined;
}

export interface AgentConfig extends CommonConfig {
  readonly role: 'agent';
  readonly serverUrl: string;
  readonly token: Secret;
  readonly bindAddress: string;
  readonly node: NodeConfig;
}

/** A secret given as it is or as a file. */
export interface Secret {
  readonly value: string | undefined;
  readonly file: string | undefined;
}

/** Refuses what is not supported, collects what has no effect. */
function checkSupport(role: Role, given: (name: string) => boolean, values: Values): string[] {
  const notices: string[] = [];
  for (const flag of flagsOf(role)) {
    if (!given(flag.name) || isOff(flag.type, values, flag.name, flag.default)) continue;
    if (flag.unsupported !== undefined) throw refuse(`--${flag.name} is not supported yet: ${flag.unsupported}`);
    if (flag.ignored !== undefined) notices.push(`--${flag.name} has no effect: ${flag.ignored}`);
  }
  return notices;
}

/** Saying explicitly what is so anyway is always allowed. */
const isOff = (type: string, values: Values, name: string, preset: string | undefined): boolean => {
  if (type === 'boolean') return !values.boolean(name);
  if (type === 'list') return values.list(name).length === 0;
  const text = values.string(name);
  return text === undefined || text === preset;
};

/** All sources in the order in which they win: command line, files, environment. */
export async function readValues(options: {
  role: Role;
  commandLine: RawValues;
  env: NodeJS.ProcessEnv;
}): Promise<{ values: Values; notices: string[]; started: StartedWith }> {
  const { role, commandLine, env } = options;
  const notices: string[] = [];
  const environment = readEnvironment(env);
  const early = createValues([canonical(commandLine), environment]);
  const file = await readConfigFiles({
    file: early.string('config') ?? createPaths('/').config,
    required: early.given('config'),
    onUnknown: (path, key) => notices.push(`${path}: unknown key ${key}`),
  });
  const values = createValues([canonical(commandLine), file, environment]);
  notices.push(...checkSupport(role, values.given, values));
  return { values, notices, started: startedWith({ role, commandLine: canonical(commandLine), file, env }) };
}

function common(values: Values, notices: readonly string[]): Omit<CommonConfig, 'role'> {
  const verbose = values.boolean('debug') || (values.integer('v') ?? 0) >= 4;
  return {
    paths: createPaths(values.string('data-dir') ?? '/var/lib/rancher/k3s'),
    logLevel: verbose ? 'debug' : 'info',
    logFile: values.string('log'),
    logToStderr: values.string('log') === undefined || values.boolean('alsologtostderr'),
    notices,
  };
}

function networks(flag: string, values: Values): readonly string[] {
  const list = values.list(flag);
  if (list.length === 0 || list.length > 2) throw refuse(`--${flag}: one network, or one of each family, is needed`);
  const families = list.map((text) => parseCidr(text)?.family);
  for (const [index, family] of families.entries())
    if (family === undefined)
      throw refuse(`--${flag}: ${JSON.stringify(list[index])} is not a network like 10.42.0.0/16`);
  if (families.length === 2 && families[0] === families[1])
    throw refuse(`--${flag}: two networks must be of different families`);
  return list;
}

function portRange(text: string): { from: number; to: number } {
  const [, from = '', to = ''] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  const range = { from: Number(from), to: Number(to) };
  if (from === '' || range.from < 1 || range.to > 65535 || range.from > range.to)
    throw refuse(`--service-node-port-range: ${JSON.stringify(text)} is not a range like 30000-32767`);
  return range;
}

/** The tenth address of the service network, unless another was asked for. */
function clusterDns(values: Values, serviceCidrs: readonly string[]): readonly string[] {
  if (!values.given('cluster-dns'))
    return serviceCidrs.flatMap((text) => {
      const cidr = parseCidr(text);
      return cidr === undefined ? [] : [cidrAddress(cidr, 10n)];
    });
  const list = values.list('cluster-dns');
  for (const address of list)
    if (ipFamily(address) === undefined) throw refuse(`--cluster-dns: ${JSON.stringify(address)} is not an IP address`);
  return list;
}

function flannelBackend(values: Values): ServerConfig['flannelBackend'] {
  const backend = values.string('flannel-backend') ?? 'vxlan';
  if (backend === 'vxlan' || backend === 'host-gw' || backend === 'none') return backend;
  if (backend === 'wireguard-native')
    throw refuse('--flannel-backend=wireguard-native is not supported yet: use vxlan, host-gw or none');
  throw refuse(`--flannel-backend: ${JSON.stringify(backend)} is not one of vxlan, host-gw, wireguard-native, none`);
}

function tunnelMode(values: Values): boolean {
  const mode = values.string('egress-selector-mode') ?? 'agent';
  if (mode === 'agent' || mode === 'disabled') return mode === 'agent';
  if (mode === 'cluster' || mode === 'pod')
    throw refuse(`--egress-selector-mode=${mode} is not supported yet: pods are reached directly; use agent`);
  throw refuse(`--egress-selector-mode: ${JSON.stringify(mode)} is not one of agent, cluster, pod, disabled`);
}

function keyKind(values: Values): KeyKind {
  const name = values.string('secrets-encryption-provider') ?? 'aescbc';
  const kind = keyKinds.find((one) => one === name);
  if (kind === undefined)
    throw refuse(`--secrets-encryption-provider: ${JSON.stringify(name)} is not one of ${keyKinds.join(', ')}`);
  return kind;
}

const secret = (values: Values, name: string): Secret => ({
  value: values.string(name),
  file: values.string(`${name}-file`),
});

export async function readServerConfig(options: {
  commandLine: RawValues;
  env: NodeJS.ProcessEnv;
}): Promise<ServerConfig> {
  const { values, notices, started } = await readValues({ role: 'server', ...options });
  if (values.string('server') !== undefined)
    throw refuse('--server on a server is not supported yet: a cluster has one server; run "knarr agent" to join');
  if (values.given('tls-san-security') && !values.boolean('tls-san-security'))
    throw refuse('--tls-san-security=false is not supported: names of the certificate are added by --tls-san alone');
  const args = (name: string) => parseComponentArguments(values.list(name));
  const apiArguments = args('kube-apiserver-arg');
  const api = apiServerSettings(apiArguments);
  const controllers = controllerOverrides(args('kube-controller-manager-arg'));
  const scheduler = schedulerArguments(args('kube-scheduler-arg'));
  const base = common(values, notices);
  const serviceCidrs = networks('service-cidr', values);
  const [firstService] = serviceCidrs.map((text) => parseCidr(text));
  const node = values.boolean('disable-agent') ? undefined : await readNodeConfig(values, base.paths, started);
  const mode = values.string('write-kubeconfig-mode') ?? '600';
  if (!/^0?[0-7]{3}$/.test(mode)) throw refuse(`--write-kubeconfig-mode: ${JSON.stringify(mode)} is no file mode`);
  const port = values.integer('https-listen-port') ?? 6443;
  const bindAddress = values.string('bind-address') ?? '0.0.0.0';
  const ip = values.list('node-external-ip')[0] ?? node?.nodeIps[0] ?? values.list('node-ip')[0];
  return {
    role: 'server',
    ...base,
    notices: [...base.notices, ...api.notices, ...controllers.notices, ...scheduler.notices, ...(node?.notices ?? [])],
    bindAddress,
    port,
    advertiseAddress: values.string('advertise-address') ?? ip ?? (await fallbackAddress(bindAddress)),
    advertisePort: values.integer('advertise-port') || port,
    tlsNames: values.list('tls-san'),
    clusterCidrs: networks('cluster-cidr', values),
    serviceCidrs,
    nodePorts: portRange(values.string('service-node-port-range') ?? ''),
    clusterDns: clusterDns(values, serviceCidrs),
    clusterDomain: values.string('cluster-domain') ?? 'cluster.local',
    apiServiceAddress: firstService === undefined ? '' : cidrAddress(firstService, 1n),
    flannelBackend: flannelBackend(values),
    flannelIpv6Masquerade: values.boolean('flannel-ipv6-masq'),
    tunnel: tunnelMode(values),
    token: secret(values, 'token'),
    agentToken: secret(values, 'agent-token'),
    kubeconfig: {
      path: values.string('write-kubeconfig') ?? base.paths.kubeconfig,
      mode: Number.parseInt(mode, 8),
      group: values.string('write-kubeconfig-group'),
      name: values.string('write-kubeconfig-name') ?? 'default',
    },
    disabled: new Set(values.list('disable')),
    scheduler: !values.boolean('disable-scheduler'),
    controllers: !values.boolean('disable-controller-manager'),
    cloudController: !values.boolean('disable-cloud-controller'),
    serviceProxy: !values.boolean('disable-kube-proxy'),
    networkPolicy: !values.boolean('disable-network-policy'),
    api: { ...api.settings, flags: apiArguments },
    secretsEncryption: { wanted: values.boolean('secrets-encryption'), kind: keyKind(values) },
    controllerSettings: controllers.settings,
    node,
  };
}

/** What is announced where no address was given: never a loopback, which leads elsewhere from every other machine. */
async function fallbackAddress(bindAddress: string): Promise<string> {
  if (!/^(0\.0\.0\.0|::|127\..*|::1)$/.test(bindAddress)) return bindAddress;
  const [address] = await detectNodeAddresses().catch(() => ['127.0.0.1']);
  return address ?? '127.0.0.1';
}

export async function readAgentConfig(options: {
  commandLine: RawValues;
  env: NodeJS.ProcessEnv;
}): Promise<AgentConfig> {
  const { values, notices, started } = await readValues({ role: 'agent', ...options });
  const base = common(values, notices);
  const serverUrl = values.string('server');
  if (serverUrl === undefined) throw refuse('--server is required');
  if (!/^https:\/\//.test(serverUrl) || !URL.canParse(serverUrl))
    throw refuse(`--server: ${JSON.stringify(serverUrl)} is not an https:// URL`);
  const token = secret(values, 'token');
  if (token.value === undefined && token.file === undefined) throw refuse('--token is required');
  const node = await readNodeConfig(values, base.paths, started);
  return {
    role: 'agent',
    ...base,
    notices: [...base.notices, ...node.notices],
    serverUrl: serverUrl.replace(/\/+$/, ''),
    token,
    bindAddress: values.string('bind-address') ?? '0.0.0.0',
    node,
  };
}
