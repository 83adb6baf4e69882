import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Every path of the daemon, as K3s lays them out.
 *
 *   /etc/rancher
 *   ├── k3s
 *   │   ├── config.yaml, config.yaml.d/*.yaml      flags as a file
 *   │   ├── registries.yaml                        mirrors and credentials of image registries
 *   │   └── k3s.yaml                               the administrator's kubeconfig
 *   └── node
 *       ├── id                                     suffix of the node's name (--with-node-id)
 *       └── password                               by which this node is known again
 *   /var/lib/rancher/k3s                           --data-dir
 *   ├── server
 *   │   ├── token, agent-token                     secrets to join by; node-token points at token
 *   │   ├── db/state.db                            the datastore
 *   │   ├── tls/*.crt, *.key                       authorities and the server's certificates
 *   │   ├── cred/*.kubeconfig                      kubeconfigs of the components
 *   │   ├── manifests/                             what is applied to the cluster
 *   │   ├── static/                                served at /static/
 *   │   └── logs/                                  the audit log
 *   ├── agent
 *   │   ├── *.crt, *.key                           this node's certificates
 *   │   ├── kubelet.kubeconfig                     by which this node's own programs reach the API
 *   │   ├── containerd/                            the runtime's root; containerd.log
 *   │   ├── etc/containerd/{config.toml,certs.d}   the runtime's configuration
 *   │   ├── etc/containerd/config{,-v3}.toml.tmpl  what the user adds to it (containerd 1.7; 2)
 *   │   ├── etc/cni/net.d/                         the pod network's configuration
 *   │   ├── etc/kubelet.conf.d/*.conf              the kubelet's configuration, by name
 *   │   ├── etc/servers.json                       the servers that the load-balancer knew last
 *   │   ├── images/                                archives to import, lists of images to pull
 *   │   └── pod-manifests/                         static pods
 *   ├── data
 *   │   ├── cni/                                   CNI plugins put there by others
 *   │   └── compiled/                              the program as the engine compiled it
 *   └── storage/                                   local volumes
 *   /run/k3s/containerd/containerd.sock            the runtime's socket; state/ and containerd.pid beside it
 *   /var/lib/kubelet                               pods' volumes
 *   /var/log/{pods,containers}                     pods' logs
 */
export interface Paths {
  readonly dataDir: string;
  readonly config: string;
  readonly registries: string;
  readonly kubeconfig: string;
  readonly nodeId: string;
  readonly nodePassword: string;
  readonly server: ServerPaths;
  readonly agent: AgentPaths;
  readonly storage: string;
  readonly compileCache: string;
}

export interface ServerPaths {
  readonly root: string;
  readonly token: string;
  readonly nodeToken: string;
  readonly agentToken: string;
  readonly database: string;
  readonly tls: string;
  readonly credentials: string;
  readonly manifests: string;
  readonly static: string;
  readonly logs: string;
}

export interface AgentPaths {
  readonly root: string;
  readonly kubeletKubeconfig: string;
  readonly containerdRoot: string;
  readonly containerdLog: string;
  readonly containerdConfig: string;
  readonly containerdTemplates: { readonly v2: string; readonly v3: string };
  readonly registryHosts: string;
  readonly containerdState: string;
  readonly containerdSocket: string;
  readonly containerdPid: string;
  readonly cniConf: string;
  readonly cniBinaries: string;
  readonly servers: string;
  readonly images: string;
  readonly staticPods: string;
  readonly kubelet: string;
  readonly kubeletConfigs: string;
  readonly podLogs: string;
  readonly containerLogs: string;
}

export const defaultDataDir = (uid = process.getuid?.() ?? 0): string =>
  uid === 0 ? '/var/lib/rancher/k3s' : join(homedir(), '.rancher/k3s');

export const defaultConfigFile = '/etc/rancher/k3s/config.yaml';

export function createPaths(dataDir: string): Paths {
  const etc = '/etc/rancher';
  const run = '/run/k3s';
  const server = join(dataDir, 'server');
  const agent = join(dataDir, 'agent');
  return {
    dataDir,
    config: defaultConfigFile,
    registries: join(etc, 'k3s/registries.yaml'),
    kubeconfig: join(etc, 'k3s/k3s.yaml'),
    nodeId: join(etc, 'node/id'),
    nodePassword: join(etc, 'node/password'),
    storage: join(dataDir, 'storage'),
    compileCache: join(dataDir, 'data/compiled'),
    server: {
      root: server,
      token: join(server, 'token'),
      nodeToken: join(server, 'node-token'),
      agentToken: join(server, 'agent-token'),
      database: join(server, 'db/state.db'),
      tls: join(server, 'tls'),
      credentials: join(server, 'cred'),
      manifests: join(server, 'manifests'),
      static: join(server, 'static'),
      logs: join(server, 'logs'),
    },
    agent: {
      root: agent,
      kubeletKubeconfig: join(agent, 'kubelet.kubeconfig'),
      containerdRoot: join(agent, 'containerd'),
      containerdLog: join(agent, 'containerd/containerd.log'),
      containerdConfig: join(agent, 'etc/containerd/config.toml'),
      containerdTemplates: {
        v2: join(agent, 'etc/containerd/config.toml.tmpl'),
        v3: join(agent, 'etc/containerd/config-v3.toml.tmpl'),
      },
      registryHosts: join(agent, 'etc/containerd/certs.d'),
      containerdState: join(run, 'containerd/state'),
      containerdSocket: join(run, 'containerd/containerd.sock'),
      containerdPid: join(run, 'containerd/containerd.pid'),
      cniConf: join(agent, 'etc/cni/net.d'),
      cniBinaries: join(dataDir, 'data/cni'),
      servers: join(agent, 'etc/servers.json'),
      images: join(agent, 'images'),
      staticPods: join(agent, 'pod-manifests'),
      kubelet: '/var/lib/kubelet',
      kubeletConfigs: join(agent, 'etc/kubelet.conf.d'),
      podLogs: '/var/log/pods',
      containerLogs: '/var/log/containers',
    },
  };
}
