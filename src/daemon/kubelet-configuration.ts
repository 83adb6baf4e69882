import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { KnarrError, messageOf, systemCode } from '../base/errors.ts';
import type { ComponentArguments } from './component-arguments.ts';

/** A field of KubeletConfiguration as the argument of the same meaning. */
type AsArgument = (value: unknown) => readonly [name: string, values: readonly string[]][];

const plain =
  (name: string): AsArgument =>
  (value) => [[name, [String(value)]]];
const pairs =
  (name: string, separator: '=' | '<'): AsArgument =>
  (value) => [
    [
      name,
      [
        Object.entries(value as object)
          .map(([key, item]) => `${key}${separator}${item}`)
          .join(','),
      ],
    ],
  ];
const list =
  (name: string): AsArgument =>
  (value) => [[name, [(value as unknown[]).map(String).join(',')]]];
const inside =
  (fields: Readonly<Record<string, AsArgument>>): AsArgument =>
  (value) =>
    Object.entries(value as object).flatMap(([key, item]) => fields[key]?.(item) ?? unknownField(key));

const unknownField = (name: string): never => {
  throw new Error(`strict decoding error: unknown field ${JSON.stringify(name)}`);
};

/** `maxPods` → `max-pods`. */
const dashed = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();

/** Those whose argument has another name or form. */
const special: Readonly<Record<string, AsArgument>> = {
  staticPodPath: plain('pod-manifest-path'),
  staticPodURL: plain('manifest-url'),
  podPidsLimit: plain('pod-max-pids'),
  resolvConf: plain('resolv-conf'),
  eventRecordQPS: plain('event-qps'),
  registryPullQPS: plain('registry-qps'),
  registryBurst: plain('registry-burst'),
  kubeAPIQPS: plain('kube-api-qps'),
  kubeAPIBurst: plain('kube-api-burst'),
  providerID: plain('provider-id'),
  cpuCFSQuota: plain('cpu-cfs-quota'),
  cpuCFSQuotaPeriod: plain('cpu-cfs-quota-period'),
  imageGCHighThresholdPercent: plain('image-gc-high-threshold'),
  imageGCLowThresholdPercent: plain('image-gc-low-threshold'),
  imageMinimumGCAge: plain('minimum-image-ttl-duration'),
  imageMaximumGCAge: plain('image-maximum-gc-age'),
  serverTLSBootstrap: plain('rotate-server-certificates'),
  failCgroupV1: plain('fail-cgroupv1'),
  makeIPTablesUtilChains: plain('make-iptables-util-chains'),
  clusterDNS: list('cluster-dns'),
  tlsCipherSuites: list('tls-cipher-suites'),
  allowedUnsafeSysctls: list('allowed-unsafe-sysctls'),
  enforceNodeAllocatable: list('enforce-node-allocatable'),
  registerWithTaints: () => [['register-with-taints', ['']]],
  evictionHard: pairs('eviction-hard', '<'),
  evictionSoft: pairs('eviction-soft', '<'),
  evictionSoftGracePeriod: pairs('eviction-soft-grace-period', '='),
  evictionMinimumReclaim: pairs('eviction-minimum-reclaim', '='),
  kubeReserved: pairs('kube-reserved', '='),
  systemReserved: pairs('system-reserved', '='),
  featureGates: pairs('feature-gates', '='),
  authentication: inside({
    anonymous: inside({ enabled: plain('anonymous-auth') }),
    webhook: inside({
      enabled: plain('authentication-token-webhook'),
      cacheTTL: plain('authentication-token-webhook-cache-ttl'),
    }),
    x509: inside({ clientCAFile: plain('client-ca-file') }),
  }),
  authorization: inside({
    mode: plain('authorization-mode'),
    webhook: inside({
      cacheAuthorizedTTL: plain('authorization-webhook-cache-authorized-ttl'),
      cacheUnauthorizedTTL: plain('authorization-webhook-cache-unauthorized-ttl'),
    }),
  }),
  shutdownGracePeriodByPodPriority: (value) => [['shutdown-grace-period-by-pod-priority', [JSON.stringify(value)]]],
  logging: () => [['logging-format', ['']]],
  memorySwap: () => [['fail-swap-on', ['']]],
};

/** What K3s wrote for its own kubelet, on a machine that was its node before. */
const ofK3s = '00-k3s-defaults.conf';

/** What a KubeletConfiguration says, as arguments. Throws Error. */
export function argumentsOfConfiguration(text: string): ComponentArguments {
  const value = parse(text) as Record<string, unknown> | null;
  const { apiVersion, kind, ...fields } = value ?? {};
  if (kind !== 'KubeletConfiguration' || apiVersion !== 'kubelet.config.k8s.io/v1beta1')
    throw new Error('it must be a KubeletConfiguration of kubelet.config.k8s.io/v1beta1');
  return new Map(
    Object.entries(fields).flatMap(([name, item]): readonly (readonly [string, readonly string[]])[] => {
      if (item === null || item === undefined) return [];
      const found = special[name];
      if (found) return found(item);
      if (typeof item === 'object') return unknownField(name);
      return [[dashed(name), [String(item)]]];
    }),
  );
}

/**
 * The arguments of a kubelet with what files say put under them: of `config`, then the drop-ins (`*.conf`, by name) of
 * `config-dir` or of the folder that every node has. A later word counts.
 */
export async function withConfigurationFiles(args: ComponentArguments, dropIns: string): Promise<ComponentArguments> {
  const { config: [config] = [], 'config-dir': [folder = dropIns] = [], ...given } = Object.fromEntries(args);
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (systemCode(error) === 'ENOENT' && folder === dropIns) return [];
    throw wrong(folder, error);
  });
  const files = names
    .filter((name) => name.endsWith('.conf') && name !== ofK3s)
    .sort()
    .map((name) => join(folder, name));
  const all = new Map<string, readonly string[]>();
  for (const path of config === undefined ? files : [config, ...files]) {
    try {
      for (const [name, values] of argumentsOfConfiguration(await readFile(path, 'utf8'))) all.set(name, values);
    } catch (error) {
      throw wrong(path, error);
    }
  }
  for (const [name, values] of Object.entries(given)) all.set(name, values);
  return all;
}

const wrong = (path: string, error: unknown): KnarrError =>
  new KnarrError({
    code: 'invalid-setting',
    blame: 'user',
    message: `the kubelet's configuration ${path} cannot be used: ${messageOf(error)}`,
  });
