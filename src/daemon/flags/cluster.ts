import { type Flag, rowsOf } from './flag.ts';

const network = rowsOf('networking', 'server');
const networkBoth = rowsOf('networking', 'both');
const cluster = rowsOf('cluster', 'server');
const join = rowsOf('cluster', 'both');
const database = rowsOf('database', 'server');
const arguments_ = rowsOf('component arguments', 'server');
const nodeArguments = rowsOf('component arguments', 'both');
const components = rowsOf('components', 'server');
const security = rowsOf('security', 'server');

const noEtcd = 'the datastore of this version is SQLite on one server';
const noSnapshots = 'snapshots belong to etcd, which this version does not run';

export const clusterFlags: readonly Flag[] = [
  network('cluster-cidr', 'list', 'Networks of the pods', { commas: true, default: '10.42.0.0/16' }),
  network('service-cidr', 'list', 'Networks of the services', { commas: true, default: '10.43.0.0/16' }),
  network('service-node-port-range', 'string', 'Ports reserved for services with NodePort', {
    default: '30000-32767',
  }),
  network('cluster-dns', 'list', 'Address of the cluster’s DNS, inside the service network', {
    commas: true,
    default: '10.43.0.10',
  }),
  network('cluster-domain', 'string', 'Domain of the cluster', { default: 'cluster.local' }),
  network('flannel-backend', 'string', 'How pods reach other nodes: vxlan, host-gw, wireguard-native or none', {
    default: 'vxlan',
  }),
  network('flannel-ipv6-masq', 'boolean', 'Masquerade IPv6 pod traffic that leaves the cluster'),
  network('flannel-external-ip', 'boolean', 'Use the nodes’ external addresses between them', {
    unsupported: 'nodes talk over their internal addresses',
  }),
  network('egress-selector-mode', 'string', 'agent, cluster, pod or disabled', { default: 'agent' }),
  network('servicelb-namespace', 'string', 'Namespace of the service load-balancer', {
    default: 'kube-system',
    ignored: 'there are no load-balancer pods',
  }),
  networkBoth('flannel-iface', 'string', 'Interface that carries the pod network'),
  networkBoth('flannel-conf', 'string', 'An own configuration file of flannel', {
    unsupported: 'use --cluster-cidr, --flannel-backend and --flannel-iface',
  }),
  networkBoth('flannel-cni-conf', 'string', 'An own CNI configuration instead of the built-in one'),
  networkBoth('vpn-auth', 'string', 'Credentials of a VPN', {
    env: ['K3S_VPN_AUTH'],
    unsupported: 'there is no VPN provider',
  }),
  networkBoth('vpn-auth-file', 'string', 'File with the credentials of a VPN', {
    env: ['K3S_VPN_AUTH_FILE'],
    unsupported: 'there is no VPN provider',
  }),

  join('token', 'string', 'Shared secret by which servers and agents join', { aliases: ['t'], env: ['K3S_TOKEN'] }),
  join('token-file', 'string', 'File that holds the token', { env: ['K3S_TOKEN_FILE'] }),
  join('server', 'string', 'Server to join', { aliases: ['s'], env: ['K3S_URL'] }),
  cluster('agent-token', 'string', 'Shared secret by which agents join, but not servers', {
    env: ['K3S_AGENT_TOKEN'],
  }),
  cluster('agent-token-file', 'string', 'File that holds the agents’ token', { env: ['K3S_AGENT_TOKEN_FILE'] }),
  cluster('cluster-init', 'boolean', 'Start a new cluster with etcd', {
    env: ['K3S_CLUSTER_INIT'],
    unsupported: noEtcd,
  }),
  cluster('cluster-reset', 'boolean', 'Forget all other members', { env: ['K3S_CLUSTER_RESET'], unsupported: noEtcd }),
  cluster('cluster-reset-restore-path', 'string', 'Snapshot to restore', { unsupported: noSnapshots }),

  database('datastore-endpoint', 'string', 'Where the datastore is', {
    env: ['K3S_DATASTORE_ENDPOINT'],
    unsupported: noEtcd,
  }),
  database('datastore-cafile', 'string', 'Authority of the datastore', {
    env: ['K3S_DATASTORE_CAFILE'],
    unsupported: noEtcd,
  }),
  database('datastore-certfile', 'string', 'Client certificate for the datastore', {
    env: ['K3S_DATASTORE_CERTFILE'],
    unsupported: noEtcd,
  }),
  database('datastore-keyfile', 'string', 'Client key for the datastore', {
    env: ['K3S_DATASTORE_KEYFILE'],
    unsupported: noEtcd,
  }),
  database('kine-tls', 'boolean', 'TLS on the socket of the datastore', {
    hidden: true,
    ignored: 'there is no socket',
  }),
  database('etcd-expose-metrics', 'boolean', 'Expose etcd’s metrics', { unsupported: noEtcd }),
  database('etcd-disable-snapshots', 'boolean', 'Make no snapshots', { ignored: noSnapshots }),
  ...[
    'etcd-snapshot-name',
    'etcd-snapshot-schedule-cron',
    'etcd-snapshot-reconcile-interval',
    'etcd-snapshot-retention',
    'etcd-snapshot-dir',
    'etcd-snapshot-compress',
    'etcd-s3',
    'etcd-s3-endpoint',
    'etcd-s3-endpoint-ca',
    'etcd-s3-skip-ssl-verify',
    'etcd-s3-access-key',
    'etcd-s3-secret-key',
    'etcd-s3-session-token',
    'etcd-s3-bucket',
    'etcd-s3-bucket-lookup-type',
    'etcd-s3-region',
    'etcd-s3-folder',
    'etcd-s3-retention',
    'etcd-s3-proxy',
    'etcd-s3-config-secret',
    'etcd-s3-insecure',
    'etcd-s3-timeout',
  ].map((name) => database(name, 'string', 'Snapshots of etcd', { unsupported: noSnapshots })),

  arguments_('kube-apiserver-arg', 'list', 'Argument of the API server, as flag=value'),
  arguments_('kube-controller-manager-arg', 'list', 'Argument of the controllers, as flag=value', {
    aliases: ['kube-controller-arg'],
  }),
  arguments_('kube-scheduler-arg', 'list', 'Argument of the scheduler, as flag=value'),
  arguments_('kube-cloud-controller-manager-arg', 'list', 'Argument of the cloud controllers', {
    aliases: ['kube-cloud-controller-arg'],
    unsupported: 'the built-in cloud controllers take none',
  }),
  arguments_('etcd-arg', 'list', 'Argument of etcd', { unsupported: noEtcd }),
  nodeArguments('kubelet-arg', 'list', 'Argument of the kubelet, as flag=value'),
  nodeArguments('kube-proxy-arg', 'list', 'Argument of the service proxy, as flag=value'),

  components(
    'disable',
    'list',
    'Do not deploy packaged components, and remove those deployed (coredns, servicelb, traefik, local-storage, metrics-server, runtimes), or any manifest by its name',
    { commas: true },
  ),
  components('disable-scheduler', 'boolean', 'Run no scheduler'),
  components('disable-cloud-controller', 'boolean', 'Run no built-in cloud controllers'),
  components('disable-kube-proxy', 'boolean', 'Run no service proxy'),
  components('disable-network-policy', 'boolean', 'Enforce no network policies'),
  components('disable-helm-controller', 'boolean', 'Run no helm controller'),
  components('disable-apiserver', 'boolean', 'Run no API server', { hidden: true, unsupported: noEtcd }),
  components('disable-controller-manager', 'boolean', 'Run no controllers', { hidden: true }),
  components('disable-etcd', 'boolean', 'Run no etcd', { hidden: true, unsupported: noEtcd }),
  components('disable-agent', 'boolean', 'Do not run a node on this machine', { hidden: true }),
  components('embedded-registry', 'boolean', 'Share images between nodes', {
    unsupported: 'images are not shared between nodes',
  }),
  components('supervisor-metrics', 'boolean', 'Serve the daemon’s own metrics', {
    unsupported: 'the API server’s /metrics has what there is',
  }),
  components('default-local-storage-path', 'string', 'Folder of local volumes', {
    unsupported: 'there is no local storage provisioner in this version',
  }),

  security('secrets-encryption', 'boolean', 'Encrypt Secrets in the datastore'),
  security('secrets-encryption-provider', 'string', 'How they are encrypted: aescbc or secretbox', {
    default: 'aescbc',
  }),
];
