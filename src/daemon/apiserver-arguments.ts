import { builtInPlugins, optionalPlugins } from '../apiserver/admission/optional.ts';
import { auditSettings, authenticationSettings, authorizationSettings } from './apiserver-access.ts';
import { type ApiServerSettings, type GivenApiServer, refuseSetting } from './apiserver-settings.ts';
import { onlyAs, parseDuration, parseWhole } from './argument-values.ts';
import {
  type AppliedArguments,
  type ArgumentTable,
  applyArguments,
  type ComponentArguments,
  refuseArgument,
  type Setter,
} from './component-arguments.ts';
import { tlsSettings } from './tls-arguments.ts';
import { parseBoolean } from './values.ts';

const flag = 'kube-apiserver-arg';

type All = ApiServerSettings & GivenApiServer;
type Set = Setter<All>;

const words = (values: readonly string[]): string[] =>
  values
    .flatMap((value) => value.split(','))
    .map((word) => word.trim())
    .filter((word) => word !== '');
const boolean = (name: string, value: string): boolean => parseBoolean(`${flag}=${name}`, value);
const whole = (name: string, value: string, least = 0): number => parseWhole(`${flag}=${name}`, value, least);
const seconds = (value: string): number => Math.round(parseDuration(value) / 1000);

/** Keeps what was given under its own name in one of the groups that are put together at the end. */
const gather =
  (group: 'audit' | 'authentication' | 'authorization', name: string): Set =>
  (value, so) =>
    ({ [group]: { ...so[group], [name]: value } }) as Partial<All>;
const gathered = (group: 'audit' | 'authentication' | 'authorization', names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, gather(group, name)]));
const oidc = (name: string): [string, Set] => [
  name,
  (_value, so, all) => ({ oidc: { ...(so as GivenApiServer).oidc, [name]: all } }) as Partial<All>,
];

const account =
  (set: (value: string, all: readonly string[]) => NonNullable<ApiServerSettings['serviceAccounts']>): Set =>
  (value, so, all) => ({ serviceAccounts: { ...so.serviceAccounts, ...set(value, all) } });
const header =
  (name: 'user' | 'uid' | 'group' | 'extraPrefixes'): Set =>
  (_value, so, all) => ({
    requestHeader: {
      ...so.requestHeader,
      headers: { ...so.requestHeader?.headers, [name]: words(all).map((word) => word.toLowerCase()) },
    },
  });
const admission =
  (set: (value: string, all: readonly string[]) => NonNullable<ApiServerSettings['admission']>): Set =>
  (value, so, all) => {
    const { tolerationSeconds, ...rest } = set(value, all);
    return {
      admission: {
        ...so.admission,
        ...rest,
        ...(tolerationSeconds
          ? { tolerationSeconds: { ...so.admission?.tolerationSeconds, ...tolerationSeconds } }
          : {}),
      },
    };
  };
const inFlight =
  (name: string): Set =>
  (value, so) =>
    ({ inFlight: { ...(so as GivenApiServer).inFlight, [name]: whole(name, value) } }) as Partial<All>;

const optional = optionalPlugins.map(({ name }) => name);

/** Names of plug-ins that are asked for. */
function wantedPlugins(all: readonly string[]): string[] {
  const names = words(all);
  for (const name of names)
    if (!optional.includes(name) && !builtInPlugins.includes(name))
      throw refuseArgument(
        flag,
        'enable-admission-plugins',
        `there is no plug-in ${name}; those that can be added are ${optional.join(', ')}`,
      );
  return names.filter((name) => optional.includes(name));
}

function unwantedPlugins(all: readonly string[]): string[] {
  const names = words(all);
  for (const name of names)
    if (!builtInPlugins.includes(name) && !optional.includes(name))
      throw refuseSetting(`disable-admission-plugins: there is no plug-in ${name}`);
  return names;
}

const own = 'the cluster’s certificates are the daemon’s own';
const oneServer = 'a cluster has one server';
const cache = 'every resource is watched from one cache, which is always on';
const kubeletRoad = 'kubelets are reached through the daemon’s tunnel, with its own certificates';

const table: ArgumentTable<All> = {
  flag,
  known: {
    'anonymous-auth': (value) => ({ allowAnonymous: boolean('anonymous-auth', value) }),
    'token-auth-file': gather('authentication', 'token-auth-file'),
    ...gathered('authentication', [
      'authentication-config',
      'authentication-token-webhook-config-file',
      'authentication-token-webhook-version',
      'authentication-token-webhook-cache-ttl',
    ]),
    ...Object.fromEntries(
      ['ca-file', 'client-id', 'groups-claim', 'groups-prefix', 'issuer-url', 'required-claim']
        .concat('signing-algs', 'username-claim', 'username-prefix')
        .map((name) => oidc(`oidc-${name}`)),
    ),
    ...gathered('authorization', [
      'authorization-config',
      'authorization-mode',
      'authorization-policy-file',
      'authorization-webhook-config-file',
      'authorization-webhook-version',
      'authorization-webhook-cache-authorized-ttl',
      'authorization-webhook-cache-unauthorized-ttl',
    ]),
    ...gathered('audit', [
      'audit-policy-file',
      'audit-log-path',
      'audit-log-maxage',
      'audit-log-maxbackup',
      'audit-log-maxsize',
      'audit-log-compress',
      'audit-log-truncate-enabled',
      'audit-log-truncate-max-event-size',
      'audit-webhook-truncate-enabled',
      'audit-webhook-truncate-max-event-size',
      'audit-webhook-config-file',
      'audit-webhook-mode',
      'audit-webhook-batch-max-wait',
      'audit-webhook-batch-max-size',
      'audit-webhook-batch-buffer-size',
    ]),
    'audit-log-format': onlyAs(`${flag}=audit-log-format`, 'json', 'events are lines of JSON'),
    'audit-log-version': onlyAs(`${flag}=audit-log-version`, 'audit.k8s.io/v1', 'events are of that version'),
    'audit-webhook-version': onlyAs(`${flag}=audit-webhook-version`, 'audit.k8s.io/v1', 'events are of that version'),

    'api-audiences': account((_value, all) => ({ audiences: words(all) })),
    'service-account-issuer': account((_value, all) => ({ issuers: issuersOf(all) })),
    'service-account-jwks-uri': account((value) => ({ jwksUri: jwksUri(value) })),
    'service-account-signing-key-file': account((signingKeyFile) => ({ signingKeyFile })),
    'service-account-key-file': account((_value, all) => ({ keyFiles: [...all] })),
    'service-account-max-token-expiration': account((value) => ({ maxExpirationSeconds: longEnough(value) })),
    'service-account-extend-token-expiration': account((value) => ({
      extendExpiration: boolean('service-account-extend-token-expiration', value),
    })),
    'service-account-lookup': onlyAs(
      `${flag}=service-account-lookup`,
      'true',
      'a token is good while what it is bound to exists',
    ),
    'enable-bootstrap-token-auth': (value) => ({
      bootstrapTokens: boolean('enable-bootstrap-token-auth', value),
    }),

    'requestheader-allowed-names': (_value, so, all) => ({
      requestHeader: { ...so.requestHeader, allowedNames: words(all) },
    }),
    'requestheader-username-headers': header('user'),
    'requestheader-uid-headers': header('uid'),
    'requestheader-group-headers': header('group'),
    'requestheader-extra-headers-prefix': header('extraPrefixes'),

    'encryption-provider-config': (file, so) =>
      ({ encryption: { ...(so as GivenApiServer).encryption, file } }) as Partial<All>,
    'encryption-provider-config-automatic-reload': (value, so) =>
      ({
        encryption: {
          ...(so as GivenApiServer).encryption,
          follow: boolean('encryption-provider-config-automatic-reload', value),
        },
      }) as Partial<All>,

    'enable-admission-plugins': admission((_value, all) => ({ with: wantedPlugins(all) })),
    'disable-admission-plugins': admission((_value, all) => ({ without: unwantedPlugins(all) })),
    'admission-control-config-file': (admissionFile) => ({ admissionFile }),
    'default-not-ready-toleration-seconds': admission((value) => ({
      tolerationSeconds: { notReady: whole('default-not-ready-toleration-seconds', value) },
    })),
    'default-unreachable-toleration-seconds': admission((value) => ({
      tolerationSeconds: { unreachable: whole('default-unreachable-toleration-seconds', value) },
    })),

    ...tlsSettings<All>(flag, (tls, so) => ({ tls: { ...so.tls, ...tls } })),
    'max-requests-inflight': inFlight('max-requests-inflight'),
    'max-mutating-requests-inflight': inFlight('max-mutating-requests-inflight'),
    'request-timeout': (value, so) => ({ requests: { ...so.requests, timeoutMs: parseDuration(value) } }),
    'http2-max-streams-per-connection': (value) => {
      const maxStreams = whole('http2-max-streams-per-connection', value);
      return maxStreams === 0 ? {} : { maxStreams };
    },
    'shutdown-delay-duration': (value) => ({ shutdownDelayMs: parseDuration(value) }),

    'allow-privileged': onlyAs(`${flag}=allow-privileged`, 'true', 'privileged pods are kept out by PodSecurity'),
    'endpoint-reconciler-type': onlyAs(`${flag}=endpoint-reconciler-type`, 'lease', oneServer),
    'enable-garbage-collector': onlyAs(`${flag}=enable-garbage-collector`, 'true', 'dependents are always collected'),
    'enable-priority-and-fairness': onlyAs(
      `${flag}=enable-priority-and-fairness`,
      'true',
      'requests are always queued by priority and fairness',
    ),
    'storage-backend': onlyAs(`${flag}=storage-backend`, 'etcd3', 'use --datastore-endpoint'),
    'disable-http2-serving': onlyAs(`${flag}=disable-http2-serving`, 'false', 'HTTP/2 is always served'),
    'runtime-config': (_value, _so, all) => {
      for (const pair of words(all))
        if (pair.endsWith('=false'))
          throw refuseArgument(flag, 'runtime-config', `${pair}: no API can be switched off`);
      return {};
    },
  },
  indifferent: {
    'event-ttl': 'events are kept an hour',
    'min-request-timeout': 'a watch without a time of its own lasts between half an hour and an hour',
    'watch-cache': cache,
    'watch-cache-sizes': cache,
    'default-watch-cache-size': cache,
    'delete-collection-workers': 'objects are deleted one after another in one process',
    'lease-reuse-duration-seconds': 'events have no leases',
    'storage-media-type': 'objects are stored as JSON',
    'storage-initialization-timeout': 'the datastore is there when the API is',
    'livez-grace-period': '/livez says what is so from the first moment',
    'shutdown-send-retry-after': 'connections end when what runs on them has ended',
    'shutdown-watch-termination-grace-period': 'watches end at once with a normal end',
    'goaway-chance': `connections stay: ${oneServer}`,
    'permit-port-sharing': oneServer,
    'permit-address-sharing': oneServer,
    'enable-aggregator-routing': 'aggregated servers are reached at their endpoints',
    'aggregator-reject-forwarding-redirect': 'redirects of aggregated servers are not followed',
    'enable-logs-handler': 'there is no /logs',
    'kubelet-preferred-address-types': kubeletRoad,
    'kubelet-timeout': kubeletRoad,
    'max-connection-bytes-per-sec': 'connections of users are not slowed',
    'kubernetes-service-node-port': 'the Service kubernetes has a cluster address',
    'apiserver-count': oneServer,
    'cloud-provider': 'nodes are initialized by the built-in cloud controllers',
    'audit-log-mode': 'events are written in the order in which they come, many at a time',
    ...Object.fromEntries(
      ['log', 'webhook'].flatMap((sink) =>
        ['batch-throttle-enable', 'batch-throttle-qps', 'batch-throttle-burst', 'truncate-max-batch-size'].map(
          (name) => [`audit-${sink}-${name}`, 'what is written is not slowed, and as much as it is'],
        ),
      ),
    ),
    ...Object.fromEntries(
      ['max-wait', 'max-size', 'buffer-size'].map((name) => [
        `audit-log-batch-${name}`,
        'events are written as they come, many at a time',
      ]),
    ),
    'audit-webhook-initial-backoff': 'a list that the webhook does not take is sent again after half a second',
    ...Object.fromEntries(
      ['lease-duration', 'renew-deadline', 'retry-period'].map((name) => [
        `coordinated-leadership-${name}`,
        'leaders are not elected by the API server',
      ]),
    ),
    ...Object.fromEntries(
      ['compaction-interval', 'count-metric-poll-period', 'db-metric-poll-interval', 'healthcheck-timeout']
        .concat('readycheck-timeout', 'prefix')
        .map((name) => [`etcd-${name}`, 'the datastore is the daemon’s own']),
    ),
  },
  refused: {
    'service-node-port-range': 'use --service-node-port-range',
    'service-cluster-ip-range': 'use --service-cidr',
    'advertise-address': 'use --advertise-address',
    'bind-address': 'use --bind-address',
    'secure-port': 'use --https-listen-port',
    'cert-dir': 'use --data-dir',
    'etcd-servers': 'use --datastore-endpoint',
    'etcd-servers-overrides': 'all objects are in one datastore',
    'etcd-cafile': 'use --datastore-cafile',
    'etcd-certfile': 'use --datastore-certfile',
    'etcd-keyfile': 'use --datastore-keyfile',
    'tls-cert-file': own,
    'tls-private-key-file': own,
    'tls-sni-cert-key': own,
    'client-ca-file': own,
    'requestheader-client-ca-file': own,
    'proxy-client-cert-file': own,
    'proxy-client-key-file': own,
    'kubelet-certificate-authority': kubeletRoad,
    'kubelet-client-certificate': kubeletRoad,
    'kubelet-client-key': kubeletRoad,
    'external-hostname': 'use service-account-jwks-uri and --tls-san',
    'service-account-signing-endpoint': 'tokens are signed in the process',
    'egress-selector-config-file': 'use --egress-selector-mode',
    'tracing-config-file': 'no traces are made',
    'cors-allowed-origins': 'browsers of other sites are not let in',
    'strict-transport-security-directives': 'the header is not sent',
    'admission-control': 'use enable-admission-plugins',
  },
};

function issuersOf(all: readonly string[]): string[] {
  for (const [i, issuer] of all.entries()) {
    if (issuer === '') throw refuseSetting('service-account-issuer should not be an empty string');
    if (issuer.includes(':') && !URL.canParse(issuer))
      throw refuseSetting(`service-account-issuer ${JSON.stringify(issuer)} contained a ':' but was not a valid URL`);
    if (all.indexOf(issuer) < i)
      throw refuseSetting(`service-account-issuer ${JSON.stringify(issuer)} is already specified`);
  }
  return [...all];
}

function jwksUri(value: string): string {
  if (!URL.canParse(value)) throw refuseSetting('service-account-jwks-uri must be a valid URL');
  if (!value.startsWith('https:'))
    throw refuseSetting(`service-account-jwks-uri requires https scheme, parsed as: ${value}`);
  return value;
}

function longEnough(value: string): number {
  const given = seconds(value);
  if (given < 3600 || given > 2 ** 32)
    throw refuseSetting('the service-account-max-token-expiration must be between 1 hour and 2^32 seconds');
  return given;
}

/** What `--kube-apiserver-arg` sets; throws KnarrError for what is not supported or does not fit together. */
export function apiServerSettings(args: ComponentArguments): AppliedArguments<ApiServerSettings> {
  const applied = applyArguments(table, args);
  const {
    audit,
    oidc: issuer,
    authentication,
    authorization,
    inFlight: given,
    encryption,
    ...rest
  } = applied.settings as Omit<ApiServerSettings, 'audit' | 'authentication' | 'authorization' | 'encryption'> &
    GivenApiServer;
  const notices = [...applied.notices];
  if (args.has('runtime-config'))
    notices.push(`--${flag}=runtime-config has no effect: the APIs that Kubernetes 1.36 serves by default are served`);
  if (encryption && encryption.file === undefined)
    throw refuseSetting(
      '"--encryption-provider-config-automatic-reload" must be set with "--encryption-provider-config"',
    );
  const access = {
    audit: auditSettings(audit, notices),
    authentication: authenticationSettings(authentication, issuer),
    authorization: authorizationSettings(authorization),
  };
  const seats = given && (given['max-requests-inflight'] ?? 400) + (given['max-mutating-requests-inflight'] ?? 200);
  return {
    notices,
    settings: {
      ...rest,
      ...(access.audit ? { audit: access.audit } : {}),
      ...(access.authentication ? { authentication: access.authentication } : {}),
      ...(access.authorization ? { authorization: access.authorization } : {}),
      ...(seats === undefined ? {} : { requests: { ...rest.requests, inFlight: seats } }),
      ...(encryption?.file === undefined
        ? {}
        : { encryption: { file: encryption.file, follow: encryption.follow ?? false } }),
    },
  };
}
