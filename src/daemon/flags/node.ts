import { type Flag, rowsOf } from './flag.ts';

const node = rowsOf('node', 'both');
const agentOnly = rowsOf('node', 'agent');
const runtime = rowsOf('runtime', 'both');
const serverRuntime = rowsOf('runtime', 'server');
const address = rowsOf('node networking', 'both');
const experimental = rowsOf('experimental', 'both');
const deprecated = rowsOf('deprecated', 'both');

const noCredentialProvider = 'credentials of registries come from registries.yaml';

export const nodeFlags: readonly Flag[] = [
  node('node-name', 'string', 'Name of the node', { env: ['K3S_NODE_NAME'] }),
  node('with-node-id', 'boolean', 'Append an id to the node’s name'),
  node('node-label', 'list', 'Labels of the node, as key=value', { commas: true }),
  node('node-taint', 'list', 'Taints of the node at its registration, as key=value:Effect', { commas: true }),
  node('image-credential-provider-bin-dir', 'string', 'Folder of credential providers', {
    unsupported: noCredentialProvider,
  }),
  node('image-credential-provider-config', 'string', 'Configuration of credential providers', {
    unsupported: noCredentialProvider,
  }),
  node('selinux', 'boolean', 'Confine containers by SELinux', { env: ['K3S_SELINUX'] }),
  node('lb-server-port', 'integer', 'Local port of the agent’s load-balancer', {
    env: ['K3S_LB_SERVER_PORT'],
    default: '6444',
  }),
  node('protect-kernel-defaults', 'boolean', 'Fail where kernel settings differ from those that the node wants'),
  agentOnly('disable-apiserver-lb', 'boolean', 'Talk to the server directly, not through the load-balancer'),

  runtime('container-runtime-endpoint', 'string', 'Socket of a container runtime to use instead of the own one'),
  runtime('image-service-endpoint', 'string', 'Socket of another image service', {
    unsupported: 'images come from the container runtime',
  }),
  runtime('default-runtime', 'string', 'Name of containerd’s default runtime'),
  runtime('pause-image', 'string', 'Image of the sandbox container'),
  runtime('snapshotter', 'string', 'containerd’s snapshotter', { default: 'overlayfs' }),
  runtime('private-registry', 'string', 'File with mirrors and credentials of registries', {
    default: '/etc/rancher/k3s/registries.yaml',
  }),
  runtime('disable-default-registry-endpoint', 'boolean', 'Do not fall back to a registry when its mirrors fail'),
  runtime('nonroot-devices', 'boolean', 'Devices of a pod belong to its user'),
  runtime('airgap-extra-registry', 'list', 'Registries under which imported images are known too', {
    hidden: true,
    commas: true,
    unsupported: 'imported images keep their names',
  }),
  runtime('docker', 'boolean', 'Use Docker', { unsupported: 'the container runtime is containerd' }),
  serverRuntime('system-default-registry', 'string', 'Registry of all system images', {
    env: ['K3S_SYSTEM_DEFAULT_REGISTRY'],
    unsupported: 'no system image is pulled',
  }),

  address('node-ip', 'list', 'Addresses of the node', { aliases: ['i'], commas: true }),
  address('node-external-ip', 'list', 'External addresses of the node', { commas: true }),
  address('node-internal-dns', 'list', 'Internal host names of the node', {
    commas: true,
    unsupported: 'a node is known by its addresses',
  }),
  address('node-external-dns', 'list', 'External host names of the node', {
    commas: true,
    unsupported: 'a node is known by its addresses',
  }),
  address('resolv-conf', 'string', 'The resolver file that pods inherit', { env: ['K3S_RESOLV_CONF'] }),

  experimental('rootless', 'boolean', 'Run without root', { unsupported: 'a node needs root' }),
  experimental('prefer-bundled-bin', 'boolean', 'Prefer programs that come with the daemon', {
    ignored: 'programs come from the system',
  }),
  experimental('enable-pprof', 'boolean', 'Serve profiles', { unsupported: 'use node --inspect' }),

  deprecated('no-flannel', 'boolean', 'Use --flannel-backend=none', {
    hidden: true,
    unsupported: 'use --flannel-backend=none',
  }),
  deprecated('no-deploy', 'list', 'Use --disable', { hidden: true, unsupported: 'use --disable' }),
  deprecated('cluster-secret', 'string', 'Use --token', {
    hidden: true,
    env: ['K3S_CLUSTER_SECRET'],
    unsupported: 'use --token',
  }),
  deprecated('disable-selinux', 'boolean', 'SELinux is off by default', { hidden: true, ignored: 'it is the default' }),
];
