import type { Taint } from '../api/gen/core-v1.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import type { ShutdownSettings } from './node-shutdown.ts';

/** Everything the kubelet needs from outside; times are milliseconds, sizes bytes, unless the name says otherwise. */
export interface KubeletOptions {
  nodeName: string;
  /** What the machine calls itself; the `kubernetes.io/hostname` label. Default: `nodeName`. */
  hostname?: string;
  /** Addresses of this node, the primary one first, at most one of each family. */
  nodeIPs: readonly string[];
  /** `ExternalIP` addresses to report. */
  externalIPs?: readonly string[];
  /** `spec.providerID` at registration (`k3s://<node>`). */
  providerId?: string;
  /** Acts as `system:node:<nodeName>` in `system:nodes`. */
  client: Client;
  /** Path of the container runtime's socket, with or without `unix://`. */
  criEndpoint: string;
  /** The kubelet's own tree (`/var/lib/kubelet`); pods' volumes are below it. */
  rootDir: string;
  /** Secrets and tokens of pods lie below it: a file system in memory. Default `/run/knarr/kubelet`. */
  volatileDir?: string;
  /** Where the runtime writes container logs (`/var/log/pods`). */
  podLogsDir: string;
  /** Symbolic links to the log files (`/var/log/containers`); none are made without it. */
  containerLogsDir?: string;
  /** Pods described by the files of this folder run with no API (`/var/lib/rancher/k3s/agent/pod-manifests`). */
  staticPodDir?: string;
  server: KubeletServerOptions;
  /** Address and port of the plain-HTTP `/healthz` (upstream: 127.0.0.1:10248); none without it. */
  healthz?: { host: string; port: number };
  clusterDns: readonly string[];
  clusterDomain: string;
  /** The resolver file that pods with dnsPolicy `Default` inherit. Default `/etc/resolv.conf`. */
  resolvConf?: string;
  cgroups?: CgroupOptions;
  /** Added to the labels and taints that the kubelet gives the node by itself when it registers it. */
  nodeLabels?: Readonly<Record<string, string>>;
  nodeAnnotations?: Readonly<Record<string, string>>;
  nodeTaints?: readonly Taint[];
  /** `node.kubernetes.io/instance-type`. Default `k3s`, as K3s has it. */
  instanceType?: string;
  maxPods?: number;
  /** Taken from capacity to give allocatable: `{cpu: '100m', memory: '256Mi', 'ephemeral-storage': '1Gi'}`. */
  reserved?: Readonly<Record<string, string>>;
  /** Hard eviction thresholds by signal (`memory.available`: `100Mi`, `nodefs.available`: `10%`, …). Default: `defaultThresholds`. */
  evictionHard?: Readonly<Record<string, string>>;
  /**
   * Percent of the image file system at which image collection starts and at which it ends, and how long an image is
   * there before it may go. Default 85, 80 and two minutes.
   */
  imageGc?: { highPercent?: number; lowPercent?: number; minAgeMs?: number };
  /** Sysctls beyond the safe set that pods may ask for (`net.core.*`). */
  allowedUnsafeSysctls?: readonly string[];
  /** Container logs are rotated at `maxBytes`, `maxFiles` kept. Default 10 MiB and 5. */
  containerLogs?: { maxBytes: number; maxFiles: number };
  /** The most processes that a pod may have; no limit without it. */
  podPidsLimit?: number;
  /** Whether containers that say nothing of seccomp get the runtime's profile. Default false. */
  seccompDefault?: boolean;
  /** How long pods have to end when the machine is switched off. Without it nothing waits for them. */
  shutdown?: ShutdownSettings;
  nodeStatusReportMs?: number;
  leaseDurationSeconds?: number;
  /** Reported as `nodeInfo.kubeletVersion`, for example `v1.36.3+knarr1`. */
  version: string;
  /** More reasons for which the node is not ready yet (a network that is not there); none when it returns undefined. */
  notReadyReason?: () => string | undefined;
  log: Logger;
}

export interface KubeletServerOptions {
  /** Address to bind. Default: all addresses. */
  host?: string;
  /** 10250; 0 picks a free one (see `Kubelet.port`). */
  port: number;
  /** PEM. */
  cert: string;
  key: string;
  /** PEM of the authority whose client certificates are believed. */
  clientCa: string;
  /** Default: TLS 1.2 and Node's cipher suites. */
  tls?: { minVersion?: 'TLSv1.2' | 'TLSv1.3'; ciphers?: string };
}

export interface CgroupOptions {
  /** Default: what the runtime says (containerd 2), else systemd on a booted systemd with cgroup v2, else cgroupfs. */
  driver?: 'systemd' | 'cgroupfs';
  /** The cgroup below which `kubepods` lies. Default `/`. */
  root?: string;
}
