import { readFileSync } from 'node:fs';
import { type AuditMode, auditModes } from '../apiserver/audit/webhook.ts';
import type { AuthenticationSettings } from '../apiserver/authn/configured.ts';
import type { AuthorizationSettings } from '../apiserver/authz/chain.ts';
import { type AuthorizerSettings, authorizerTypes } from '../apiserver/authz/configuration.ts';
import type { ApiServerOptions } from '../apiserver/options.ts';
import { messageOf } from '../base/errors.ts';
import { refuseSetting } from './apiserver-settings.ts';
import { parseDuration, parseWhole } from './argument-values.ts';
import { parseBoolean } from './values.ts';

type Given = Readonly<Record<string, string>>;

/** In bytes, where events are cut at all. */
const usualLargestEvent = 102_400;

function auditMode(text = 'batch'): AuditMode {
  const known = auditModes.find((mode) => mode === text);
  if (known) return known;
  throw refuseSetting(`invalid audit webhook mode ${text}, allowed modes are ${JSON.stringify(auditModes.join(','))}`);
}

/** `audit-*`: nothing where nobody would see it. */
export function auditSettings(given: Given | undefined, notices: string[]): ApiServerOptions['audit'] {
  if (given === undefined) return undefined;
  const whole = (name: string): number => parseWhole(`kube-apiserver-arg=${name}`, given[name] ?? '0');
  const policyFile = given['audit-policy-file'];
  const path = given['audit-log-path'];
  const kubeconfig = given['audit-webhook-config-file'];
  if (policyFile === undefined || (path === undefined && kubeconfig === undefined)) {
    notices.push(
      policyFile === undefined
        ? 'no requests are recorded: --kube-apiserver-arg=audit-policy-file is not given'
        : 'no requests are recorded: --kube-apiserver-arg=audit-log-path or audit-webhook-config-file is not given',
    );
    return undefined;
  }
  const size = (name: string): number | undefined => (given[name] === undefined ? undefined : whole(name));
  const wait = given['audit-webhook-batch-max-wait'];
  const largest = (sink: 'log' | 'webhook'): { largestEvent?: number } => {
    const enabled = given[`audit-${sink}-truncate-enabled`] ?? 'false';
    if (!parseBoolean(`kube-apiserver-arg=audit-${sink}-truncate-enabled`, enabled)) return {};
    return { largestEvent: size(`audit-${sink}-truncate-max-event-size`) ?? usualLargestEvent };
  };
  return {
    policyFile,
    log:
      path === undefined
        ? undefined
        : {
            path,
            ...largest('log'),
            maxAgeDays: whole('audit-log-maxage'),
            maxBackups: whole('audit-log-maxbackup'),
            maxSizeMegabytes: whole('audit-log-maxsize'),
            compress: parseBoolean('kube-apiserver-arg=audit-log-compress', given['audit-log-compress'] ?? 'false'),
          },
    webhook:
      kubeconfig === undefined
        ? undefined
        : {
            kubeconfig,
            mode: auditMode(given['audit-webhook-mode']),
            ...largest('webhook'),
            maxWaitMs: wait === undefined ? undefined : parseDuration(wait),
            maxBatch: size('audit-webhook-batch-max-size'),
            buffer: size('audit-webhook-batch-buffer-size'),
          },
  };
}

function versionOf(name: string, text: string | undefined): 'v1' | 'v1beta1' {
  if (text === undefined || text === 'v1beta1') return 'v1beta1';
  if (text === 'v1') return 'v1';
  throw refuseSetting(`${name}: unsupported version ${JSON.stringify(text)}, supported versions are "v1", "v1beta1"`);
}

/** `authentication-*`, `token-auth-file` and `oidc-*`. */
export function authenticationSettings(
  given: Given = {},
  oidc: Readonly<Record<string, readonly string[]>> | undefined,
): AuthenticationSettings | undefined {
  const configFile = given['authentication-config'];
  const tokenFile = given['token-auth-file'];
  const kubeconfig = given['authentication-token-webhook-config-file'];
  if (configFile !== undefined && oidc !== undefined)
    throw refuseSetting('authentication-config file and oidc-* flags are mutually exclusive');
  const settings: AuthenticationSettings = {
    ...(configFile === undefined ? {} : { configFile }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(oidc === undefined ? {} : { oidc: oidcSettings(oidc) }),
    ...(kubeconfig === undefined
      ? {}
      : {
          webhook: {
            kubeconfig,
            version: versionOf('authentication-token-webhook-version', given['authentication-token-webhook-version']),
            cacheTtlMs: parseDuration(given['authentication-token-webhook-cache-ttl'] ?? '2m'),
          },
        }),
  };
  return Object.keys(settings).length === 0 ? undefined : settings;
}

function oidcSettings(given: Readonly<Record<string, readonly string[]>>): NonNullable<AuthenticationSettings['oidc']> {
  const one = (name: string): string | undefined => given[`oidc-${name}`]?.at(-1);
  const url = one('issuer-url');
  const client = one('client-id');
  if (!url || !client)
    throw refuseSetting('oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set');
  const usernameClaim = one('username-claim') || 'sub';
  const prefix = one('username-prefix') ?? '';
  const usernamePrefix = prefix === '-' ? '' : prefix === '' && usernameClaim !== 'email' ? `${url}#` : prefix;
  const groupsClaim = one('groups-claim');
  const ca = one('ca-file');
  const required = (given['oidc-required-claim'] ?? [])
    .flatMap((text) => text.split(','))
    .map((pair) => {
      const equals = pair.indexOf('=');
      if (equals <= 0) throw refuseSetting(`oidc-required-claim: ${pair} must be formatted as key=value`);
      return { claim: pair.slice(0, equals), requiredValue: pair.slice(equals + 1) };
    });
  return {
    algorithms: (given['oidc-signing-algs'] ?? ['RS256']).flatMap((text) => text.split(',')),
    settings: {
      issuer: { url, audiences: [client], ...(ca ? { certificateAuthority: readPem(ca) } : {}) },
      claimMappings: {
        username: { claim: usernameClaim, prefix: usernamePrefix },
        ...(groupsClaim ? { groups: { claim: groupsClaim, prefix: one('groups-prefix') ?? '' } } : {}),
      },
      ...(required.length > 0 ? { claimValidationRules: required } : {}),
    },
  };
}

/** Read while the configuration is: before anything runs. */
function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw refuseSetting(`oidc-ca-file: ${messageOf(error)}`);
  }
}

/** `authorization-*`. */
export function authorizationSettings(given: Given | undefined): AuthorizationSettings | undefined {
  if (given === undefined) return undefined;
  const { 'authorization-config': configFile, ...legacy } = given;
  if (configFile !== undefined) {
    if (Object.keys(legacy).length > 0)
      throw refuseSetting(
        '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined',
      );
    return { configFile };
  }
  const modes = (legacy['authorization-mode'] ?? 'Node,RBAC').split(',').map((mode) => mode.trim());
  const kubeconfig = legacy['authorization-webhook-config-file'];
  if (legacy['authorization-policy-file'] !== undefined || modes.includes('ABAC'))
    throw refuseSetting('authorization-mode ABAC is not supported: write Roles and bindings, and use RBAC');
  for (const [i, mode] of modes.entries()) {
    if (!authorizerTypes.some((type) => type === mode))
      throw refuseSetting(`authorization-mode ${JSON.stringify(mode)} is not a valid mode`);
    if (modes.indexOf(mode) < i)
      throw refuseSetting(
        `authorization-mode [${modes.map((m) => JSON.stringify(m)).join(' ')}] has mode specified more than once`,
      );
  }
  if (modes.includes('Webhook') && kubeconfig === undefined)
    throw refuseSetting("authorization-mode Webhook's authorization config file not passed");
  if (!modes.includes('Webhook') && kubeconfig !== undefined)
    throw refuseSetting('cannot specify --authorization-webhook-config-file without mode Webhook');
  const ttl = (name: string, preset: string): number =>
    parseDuration(legacy[`authorization-webhook-cache-${name}-ttl`] ?? preset);
  return {
    authorizers: modes.map(
      (mode): AuthorizerSettings =>
        mode === 'Webhook'
          ? {
              type: 'Webhook',
              name: 'default',
              webhook: {
                kubeconfig: kubeconfig ?? '',
                version: versionOf('authorization-webhook-version', legacy['authorization-webhook-version']),
                timeoutMs: 30_000,
                authorizedTtlMs: ttl('authorized', '5m'),
                unauthorizedTtlMs: ttl('unauthorized', '30s'),
                failurePolicy: 'NoOpinion',
                matchConditions: [],
              },
            }
          : { type: mode as Exclude<AuthorizerSettings['type'], 'Webhook'> },
    ),
  };
}
