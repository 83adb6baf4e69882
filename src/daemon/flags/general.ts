import { defaultConfigFile, defaultDataDir } from '../paths.ts';
import { type Flag, rowsOf } from './flag.ts';

const logging = rowsOf('config and logging', 'both');
const listener = rowsOf('listener', 'server');
const both = rowsOf('listener', 'both');
const client = rowsOf('client', 'server');
const data = rowsOf('data', 'both');

export const generalFlags: readonly Flag[] = [
  logging('config', 'string', 'Load configuration from FILE', {
    aliases: ['c'],
    env: ['K3S_CONFIG_FILE'],
    default: defaultConfigFile,
  }),
  logging('debug', 'boolean', 'Turn on debug logs', { env: ['K3S_DEBUG'] }),
  logging('v', 'integer', 'Number for the log level verbosity; 4 and above is debug', { default: '0' }),
  logging('vmodule', 'string', 'Comma-separated list of FILE_PATTERN=LOG_LEVEL settings', {
    unsupported: 'the log has one level for all parts; use --debug',
  }),
  logging('log', 'string', 'Log to file', { aliases: ['l'] }),
  logging('alsologtostderr', 'boolean', 'Log to standard error as well as file (if set)'),

  both('bind-address', 'string', 'Bind address', { default: '0.0.0.0' }),
  listener('https-listen-port', 'integer', 'HTTPS listen port', { default: '6443' }),
  listener('supervisor-port', 'integer', 'Port of the supervisor, if apart', {
    default: '0',
    hidden: true,
    unsupported: 'the supervisor answers on the port of the API',
  }),
  listener('apiserver-port', 'integer', 'Port of the API server, if apart', {
    default: '0',
    hidden: true,
    unsupported: 'the supervisor answers on the port of the API',
  }),
  listener('apiserver-bind-address', 'string', 'Address of the API server, if apart', {
    hidden: true,
    unsupported: 'the supervisor answers on the address of the API',
  }),
  listener('advertise-address', 'string', 'IP address that the API server announces to the members of the cluster'),
  listener('advertise-port', 'integer', 'Port that the API server announces (default: the listen port)', {
    default: '0',
  }),
  listener('tls-san', 'list', 'Further host names or IPs of the server’s certificate', { commas: true }),
  listener('tls-san-security', 'boolean', 'Refuse to add names to the certificate that were not asked for', {
    default: 'true',
  }),

  data('data-dir', 'string', 'Folder to hold state', {
    aliases: ['d'],
    env: ['K3S_DATA_DIR'],
    default: defaultDataDir(0),
  }),

  client('write-kubeconfig', 'string', 'Write the kubeconfig of the administrator to this file', {
    aliases: ['o'],
    env: ['K3S_KUBECONFIG_OUTPUT'],
    default: '/etc/rancher/k3s/k3s.yaml',
  }),
  client('write-kubeconfig-mode', 'string', 'Write the kubeconfig with this mode', {
    env: ['K3S_KUBECONFIG_MODE'],
    default: '600',
  }),
  client('write-kubeconfig-group', 'string', 'Group of the kubeconfig', { env: ['K3S_KUBECONFIG_GROUP'] }),
  client('write-kubeconfig-name', 'string', 'Name of cluster, user and context in the kubeconfig', {
    default: 'default',
  }),
  client('helm-job-image', 'string', 'Image of helm jobs', {
    ignored: 'charts are installed by the daemon itself, not by jobs',
  }),
  client('helm-controller-arg', 'list', 'Argument of the helm controller', {
    unsupported: 'there is no helm controller in this version',
  }),
];
