import { quantityValue } from '../api/quantity.ts';
import { KnarrError } from '../base/errors.ts';
import type { KubeletOptions } from '../kubelet/options.ts';
import { onlyAs, parseDuration, parseWhole } from './argument-values.ts';
import {
  type AppliedArguments,
  type ArgumentTable,
  applyArguments,
  type ComponentArguments,
  type Setter as SetterOf,
} from './component-arguments.ts';
import { type TlsSettings, tlsSettings } from './tls-arguments.ts';
import { parseBoolean } from './values.ts';

/** The kubelet options that `--kubelet-arg` and KubeletConfiguration files can set. */
export interface KubeletOverrides
  extends Partial<
    Pick<
      KubeletOptions,
      | 'rootDir'
      | 'maxPods'
      | 'reserved'
      | 'evictionHard'
      | 'imageGc'
      | 'allowedUnsafeSysctls'
      | 'containerLogs'
      | 'nodeStatusReportMs'
      | 'leaseDurationSeconds'
      | 'cgroups'
      | 'staticPodDir'
      | 'resolvConf'
      | 'providerId'
      | 'podPidsLimit'
      | 'seccompDefault'
      | 'shutdown'
      | 'healthz'
    >
  > {
  tls?: TlsSettings;
}

const flag = 'kubelet-arg';

const refuse = (message: string): KnarrError => new KnarrError({ code: 'invalid-setting', blame: 'user', message });

/** Zero may be written without a unit. */
const goMs = (name: string, text: string): number => {
  const ms = text === '0' ? 0 : parseDuration(text);
  if (ms > 0 && ms < 1000) throw refuse(`--${flag}: ${name} (${text}) must be either zero or otherwise >= 1 sec`);
  return ms;
};

const whole = (name: string, text: string): number => parseWhole(`${flag}=${name}`, text);

/** `a<b` or `a=b` pairs separated by commas. */
const pairs = (name: string, text: string, separator: '=' | '<'): Record<string, string> =>
  Object.fromEntries(
    text
      .split(',')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const at = pair.indexOf(separator);
        if (at <= 0) throw refuse(`--${flag}=${name}: ${JSON.stringify(pair)} is not name${separator}value`);
        return [pair.slice(0, at), pair.slice(at + 1)];
      }),
  );

type Setter = SetterOf<KubeletOverrides>;

const reserve =
  (name: string): Setter =>
  (value, so) => ({ reserved: { ...so.reserved, ...pairs(name, value, '=') } });

const onlySo = (name: string, so: string, why: string): [string, Setter] => [name, onlyAs(`${flag}=${name}`, so, why)];

const gate = 'who asks the kubelet is known by a certificate or a token, and the API server decides';

const setters: Readonly<Record<string, Setter>> = {
  'root-dir': (rootDir) => ({ rootDir }),
  'max-pods': (value) => ({ maxPods: whole('max-pods', value) }),
  'system-reserved': reserve('system-reserved'),
  'kube-reserved': reserve('kube-reserved'),
  'eviction-hard': (value) => ({ evictionHard: pairs('eviction-hard', value, '<') }),
  'image-gc-high-threshold': (value, so) => ({
    imageGc: { ...so.imageGc, highPercent: whole('image-gc-high-threshold', value) },
  }),
  'image-gc-low-threshold': (value, so) => ({
    imageGc: { ...so.imageGc, lowPercent: whole('image-gc-low-threshold', value) },
  }),
  'minimum-image-ttl-duration': (value, so) => ({
    imageGc: { ...so.imageGc, minAgeMs: parseDuration(value) },
  }),
  'allowed-unsafe-sysctls': (_value, _so, all) => ({ allowedUnsafeSysctls: all.flatMap((value) => value.split(',')) }),
  'container-log-max-size': (value, so) => ({
    containerLogs: { maxFiles: so.containerLogs?.maxFiles ?? 5, maxBytes: quantityValue(value) },
  }),
  'container-log-max-files': (value, so) => ({
    containerLogs: {
      maxBytes: so.containerLogs?.maxBytes ?? 10 * 1024 * 1024,
      maxFiles: whole('container-log-max-files', value),
    },
  }),
  'node-status-update-frequency': (value) => ({ nodeStatusReportMs: parseDuration(value) }),
  'node-lease-duration-seconds': (value) => ({ leaseDurationSeconds: whole('node-lease-duration-seconds', value) }),
  'cgroup-driver': (value, so) => {
    if (value !== 'systemd' && value !== 'cgroupfs')
      throw refuse(`--${flag}=cgroup-driver: ${JSON.stringify(value)} is not systemd or cgroupfs`);
    return { cgroups: { ...so.cgroups, driver: value } };
  },
  'cgroup-root': (root, so) => ({ cgroups: { ...so.cgroups, root } }),
  'pod-manifest-path': (staticPodDir) => ({ staticPodDir }),
  'resolv-conf': (resolvConf) => ({ resolvConf }),
  'provider-id': (providerId) => ({ providerId }),
  'pod-max-pids': (value) => (value === '-1' ? {} : { podPidsLimit: whole('pod-max-pids', value) }),
  'seccomp-default': (value) => ({ seccompDefault: parseBoolean(`${flag}=seccomp-default`, value) }),
  'shutdown-grace-period': (value, so) => ({
    shutdown: { ...so.shutdown, graceMs: goMs('shutdownGracePeriod', value) },
  }),
  'shutdown-grace-period-critical-pods': (value, so) => ({
    shutdown: { ...so.shutdown, criticalMs: goMs('shutdownGracePeriodCriticalPods', value) },
  }),
  // Of configuration files alone: a list.
  'shutdown-grace-period-by-pod-priority': (value, so) => ({
    shutdown: {
      ...so.shutdown,
      byPriority: (JSON.parse(value) as { priority?: number; shutdownGracePeriodSeconds?: number }[]).map(
        ({ priority = 0, shutdownGracePeriodSeconds: seconds = 0 }) => ({ priority, seconds }),
      ),
    },
  }),
  'healthz-port': (value, so) => ({
    healthz: { host: so.healthz?.host ?? '127.0.0.1', port: parseWhole(`${flag}=healthz-port`, value, 1, 65535) },
  }),
  'healthz-bind-address': (host, so) => ({ healthz: { port: so.healthz?.port ?? 10248, host } }),
  ...tlsSettings<KubeletOverrides>(flag, (tls, so) => ({ tls: { ...so.tls, ...tls } })),
  ...Object.fromEntries([
    onlySo('anonymous-auth', 'false', gate),
    onlySo('authentication-token-webhook', 'true', gate),
    onlySo('authorization-mode', 'Webhook', gate),
    onlySo('read-only-port', '0', 'nothing is served without TLS'),
    onlySo('register-node', 'true', 'a node registers itself'),
    onlySo('enable-server', 'true', 'logs and exec go through the kubelet’s server'),
    onlySo('enable-debugging-handlers', 'true', 'logs and exec are of those handlers'),
    onlySo('cpu-manager-policy', 'none', 'processors are not given to single pods'),
    onlySo('memory-manager-policy', 'None', 'memory is not given to single pods by NUMA node'),
    onlySo('topology-manager-policy', 'none', 'nothing is aligned by NUMA node'),
    onlySo('cpu-cfs-quota', 'true', 'limits of CPU are always kept'),
    onlySo('cpu-cfs-quota-period', '100ms', 'the period is 100 ms'),
    onlySo('cgroups-per-qos', 'true', 'pods lie in the cgroup of their class'),
    onlySo('fail-cgroupv1', 'false', 'version 1 of cgroups is taken'),
    onlySo('keep-terminated-pod-volumes', 'false', 'volumes of pods that ended are unmounted'),
  ]),
};

const told = 'the kubelet is told of changes, it does not look for them';
const noLimit = 'requests are not slowed';
const parallel = 'images of different pods are pulled at the same time';
const renewed = 'certificates are renewed by the daemon';
const decides = 'answers of the API server about tokens and rights are kept for a short while';

const table: ArgumentTable<KubeletOverrides> = {
  flag,
  known: setters,
  indifferent: {
    'sync-frequency': told,
    'file-check-frequency': told,
    'http-check-frequency': told,
    'housekeeping-interval': told,
    'runtime-request-timeout': told,
    'node-status-report-frequency': 'the node is reported when it changed, and every five minutes',
    'volume-stats-agg-period': 'volumes are measured when somebody asks',
    'streaming-connection-idle-timeout': 'a stream ends with its connection',
    'make-iptables-util-chains': 'the chains are the service proxy’s',
    'iptables-masquerade-bit': 'the chains are the service proxy’s',
    'iptables-drop-bit': 'the chains are the service proxy’s',
    'hairpin-mode': 'the network is the CNI plug-ins’',
    'event-qps': noLimit,
    'event-burst': noLimit,
    'event-record-qps': noLimit,
    'kube-api-qps': noLimit,
    'kube-api-burst': noLimit,
    'kube-api-content-type': noLimit,
    'registry-qps': noLimit,
    'registry-burst': noLimit,
    'serialize-image-pulls': parallel,
    'max-parallel-image-pulls': parallel,
    'image-pull-progress-deadline': parallel,
    'maximum-image-ttl-duration': 'images go when the disk is full, the one that was not used longest first',
    'image-maximum-gc-age': 'images go when the disk is full, the one that was not used longest first',
    'node-status-max-images': 'the node names the fifty largest images',
    'rotate-certificates': renewed,
    'rotate-server-certificates': renewed,
    'authentication-token-webhook-cache-ttl': decides,
    'authorization-webhook-cache-authorized-ttl': decides,
    'authorization-webhook-cache-unauthorized-ttl': decides,
    'fail-swap-on': 'swap is the machine’s business',
    'cloud-provider': 'nodes are initialized by the built-in cloud controllers',
    'enforce-node-allocatable': 'the share of pods is what the scheduler gives out',
    'runtime-cgroups': 'usage is measured by pod',
    'kubelet-cgroups': 'usage is measured by pod',
    'system-cgroups': 'usage is measured by pod',
    'kube-reserved-cgroup': 'reserved shares are kept free, not enforced',
    'system-reserved-cgroup': 'reserved shares are kept free, not enforced',
    'volume-plugin-dir': 'there are no flex volumes',
    'eviction-minimum-reclaim': 'pods go one by one until the signal is met',
    'eviction-max-pod-grace-period': 'pods that are evicted end at once',
    'eviction-pressure-transition-period': 'pressure ends five minutes after its signal',
    'eviction-monitoring-interval': 'signals are looked at every ten seconds',
    'kernel-memcg-notification': 'signals are looked at every ten seconds',
    'local-storage-capacity-isolation': 'the scheduler counts local storage',
    'container-log-max-workers': 'logs are rotated one after another',
    'container-log-monitor-interval': 'logs are looked at every ten seconds',
    'max-open-files': 'the unit of the daemon sets it',
    'oom-score-adj': 'the unit of the daemon sets it',
    'topology-manager-scope': 'nothing is aligned by NUMA node',
    'topology-manager-policy-options': 'nothing is aligned by NUMA node',
    'cpu-manager-policy-options': 'processors are not given to single pods',
    'cpu-manager-reconcile-period': 'processors are not given to single pods',
    containerd: 'the daemon runs the container runtime',
    'lock-file': 'a node has one kubelet',
    'exit-on-lock-contention': 'a node has one kubelet',
    'log-dir': 'the log is the daemon’s',
    'log-file': 'the log is the daemon’s',
    'protect-kernel-defaults': 'use the flag --protect-kernel-defaults',
    'cert-dir': renewed,
  },
  refused: {
    'node-labels': 'use --node-label',
    'register-with-taints': 'use --node-taint',
    'hostname-override': 'use --node-name',
    'node-ip': 'use --node-ip',
    address: 'use --bind-address',
    port: 'the kubelet listens on 10250',
    'cluster-dns': 'use --cluster-dns on the server',
    'cluster-domain': 'use --cluster-domain on the server',
    'pod-cidr': 'the node is given its share of --cluster-cidr',
    'container-runtime-endpoint': 'use --container-runtime-endpoint',
    'image-service-endpoint': 'use --image-service-endpoint',
    'pod-infra-container-image': 'use --pause-image',
    'image-credential-provider-config': 'use --image-credential-provider-config',
    'image-credential-provider-bin-dir': 'use --image-credential-provider-bin-dir',
    'client-ca-file': 'the cluster’s certificates are the daemon’s own',
    'tls-cert-file': 'the cluster’s certificates are the daemon’s own',
    'tls-private-key-file': 'the cluster’s certificates are the daemon’s own',
    'bootstrap-kubeconfig': 'an agent joins by --server and --token',
    'eviction-soft': 'pods are evicted at the hard thresholds alone',
    'eviction-soft-grace-period': 'pods are evicted at the hard thresholds alone',
    'pods-per-core': 'use max-pods',
    'reserved-cpus': 'processors are not given to single pods; use system-reserved',
    'reserved-memory': 'memory is not given to single pods by NUMA node',
    'qos-reserved': 'nothing is reserved by class',
    'allowed-unsafe-sysctl': 'it is called allowed-unsafe-sysctls',
    'manifest-url': 'static pods are files',
  },
};

/** What the arguments set; throws KnarrError for one that is not supported. */
export function kubeletOverrides(args: ComponentArguments): AppliedArguments<KubeletOverrides> {
  const applied = applyArguments(table, args);
  const { graceMs = 0, criticalMs = 0, byPriority = [] } = applied.settings.shutdown ?? {};
  if (criticalMs > graceMs)
    throw refuse(
      `--${flag}: shutdownGracePeriodCriticalPods (${criticalMs / 1000}s) must be <= shutdownGracePeriod (${graceMs / 1000}s)`,
    );
  if (byPriority.length > 0 && graceMs > 0)
    throw refuse(
      `--${flag}: Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time`,
    );
  return applied;
}
