import { randomUUID } from 'node:crypto';
import { trackUpdate } from '../../api/apply.ts';
import { applyDefaults } from '../../api/defaults.ts';
import type { TokenRequestSpec } from '../../api/gen/authentication-v1.ts';
import { type ApiError, badRequest, conflict, invalid, isApiError } from '../../api/status.ts';
import { signJwt, type TokenKey } from '../authn/jwt.ts';
import { timestamp, writeOptionsObject } from '../registry/core.ts';
import type { Admission, AdmissionAttributes, Draft, Frozen, Registry } from '../registry/types.ts';
import { readObject } from './body.ts';
import type { SpecialHandlers } from './route.ts';
import { ensureNamespace } from './write.ts';

export interface TokenRequestOptions {
  registry: Registry;
  admission: Admission;
  key: TokenKey;
  issuer: string;
  /** Audiences of the API: what a token is for when nothing is said. */
  audiences: readonly string[];
  /** Tokens last no longer than this. */
  maxExpirationSeconds?: number | undefined;
  /** Whether tokens of pods last a year for the sake of old clients. Default true. */
  extendExpiration?: boolean | undefined;
  now?: () => number;
}

/** Clients older than token refresh ask for exactly this; they get a year and are warned about. */
const warnOnlySeconds = 3607;
const extendedSeconds = 365 * 24 * 3600;

const group = 'authentication.k8s.io';

/** As Go shows a group and version: with the slash though there is no group. */
const groupVersion = (apiVersion = ''): string => (apiVersion.includes('/') ? apiVersion : `/${apiVersion}`);

function check(spec: TokenRequestSpec): void {
  const seconds = spec.expirationSeconds ?? 3600;
  const problem =
    seconds < 600
      ? 'may not specify a duration less than 10 minutes'
      : seconds > 2 ** 32
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (problem)
    throw invalid({ group, kind: 'TokenRequest' }, '', [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${seconds}: ${problem}`,
        field: 'spec.expirationSeconds',
      },
    ]);
}

/** `serviceaccounts/{name}/token`: a signed token bound to the account and, if asked, to a pod, secret or node. */
export function tokenRequest(options: TokenRequestOptions): ReadonlyMap<string, SpecialHandlers> {
  const { registry, key } = options;
  const now = options.now ?? Date.now;
  const get = async (resource: string, namespace: string, name: string): Promise<Frozen> =>
    (await registry.store('', resource).get({ namespace, name })).object;

  const nodeOfPod = async (pod: Frozen): Promise<{ name: string; uid?: string | undefined } | undefined> => {
    const { nodeName } = pod.spec as { nodeName?: string };
    if (!nodeName) return undefined;
    try {
      return { name: nodeName, uid: (await get('nodes', '', nodeName)).metadata.uid };
    } catch (error) {
      if (isApiError(error, 'NotFound')) return { name: nodeName };
      throw error;
    }
  };

  const bind = async (spec: TokenRequestSpec, namespace: string, account: string): Promise<Record<string, unknown>> => {
    const reference = spec.boundObjectRef;
    if (!reference) return {};
    const { apiVersion, kind = '', name = '', uid } = reference;
    const resource = { Pod: 'pods', Secret: 'secrets', Node: 'nodes' }[kind];
    if (apiVersion !== 'v1' || !resource)
      throw badRequest(`cannot bind token to object of type ${groupVersion(apiVersion)}, Kind=${kind}`);
    const object = await get(resource, kind === 'Node' ? '' : namespace, name);
    if (kind === 'Pod' && (object.spec as { serviceAccountName?: string }).serviceAccountName !== account)
      throw badRequest(
        `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`,
      );
    if (uid && object.metadata.uid !== uid)
      throw conflict(
        { group: '', resource: kind },
        name,
        `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    const bound = { name, uid: object.metadata.uid };
    if (kind === 'Secret') return { secret: bound };
    if (kind === 'Node') return { node: bound };
    return { pod: bound, node: await nodeOfPod(object) };
  };

  const create: SpecialHandlers['create'] = async (call) => {
    const { namespace, name } = call.info;
    const given = await readObject(call, { group, version: 'v1', kind: 'TokenRequest' });
    ensureNamespace(given, namespace);
    const attributes: AdmissionAttributes = {
      operation: 'CREATE',
      group: '',
      version: 'v1',
      resource: 'serviceaccounts',
      kind: { group, version: 'v1', kind: 'TokenRequest' },
      subresource: 'token',
      namespace,
      name,
      object: given,
      oldObject: undefined,
      options: writeOptionsObject('CREATE', call.context),
      context: call.context,
    };
    given.spec ??= {};
    applyDefaults(attributes.kind, given);
    const manager = call.context.fieldManager;
    trackUpdate(attributes.kind, undefined, given, { manager, subresource: 'token', now: new Date(now()) });
    await options.admission.mutate(attributes);
    const request = attributes.object as Draft;
    const { metadata } = request;
    if (metadata.name && metadata.name !== name) throw otherAccount(name, 'name', metadata.name);
    if (metadata.namespace && metadata.namespace !== namespace)
      throw otherAccount(name, 'namespace', metadata.namespace);
    const account = await get('serviceaccounts', namespace, name);
    if (metadata.uid && metadata.uid !== account.metadata.uid) throw otherUid(name, metadata.uid, account);
    const spec = (request.spec ?? {}) as TokenRequestSpec & { expirationSeconds: number };
    if (!spec.audiences || spec.audiences.length === 0) spec.audiences = [...options.audiences];
    const issued = Math.floor(now() / 1000);
    Object.assign(metadata, {
      name,
      namespace,
      uid: account.metadata.uid,
      creationTimestamp: timestamp(issued * 1000),
    });
    request.status = { token: '', expirationTimestamp: null };
    check(spec);
    await options.admission.validate(attributes);

    const most = options.maxExpirationSeconds;
    if (most !== undefined && spec.expirationSeconds > most) {
      call.context.warn(`requested expiration of ${spec.expirationSeconds} seconds shortened to ${most} seconds`);
      spec.expirationSeconds = most;
    }
    const asked = spec.expirationSeconds;
    const bound = await bind(spec, namespace, name);
    const extend =
      (options.extendExpiration ?? true) &&
      bound.pod !== undefined &&
      asked === warnOnlySeconds &&
      spec.audiences.every((audience) => options.audiences.includes(audience));
    const id = randomUUID();
    call.context.annotate?.('authentication.kubernetes.io/issued-credential-id', `JTI=${id}`);
    const token = signJwt(key, {
      aud: spec.audiences,
      exp: issued + (extend ? extendedSeconds : asked),
      iat: issued,
      iss: options.issuer,
      jti: id,
      'kubernetes.io': {
        namespace,
        ...bound,
        serviceaccount: { name, uid: account.metadata.uid },
        ...(extend ? { warnafter: issued + asked } : {}),
      },
      nbf: issued,
      sub: `system:serviceaccount:${namespace}:${name}`,
    });
    const { kind, apiVersion } = request;
    const status = { token, expirationTimestamp: timestamp((issued + asked) * 1000) };
    return { kind: 'object', status: 201, object: { kind, apiVersion, metadata, spec, status } };
  };
  return new Map([['/serviceaccounts/token', { create }]]);
}

const otherAccount = (account: string, field: string, value: string): ApiError =>
  invalid({ group, kind: 'TokenRequest' }, account, [
    {
      reason: 'FieldValueInvalid',
      message: `Invalid value: "${value}": must match the service account ${field} if specified`,
      field: `metadata.${field}`,
    },
  ]);

const otherUid = (account: string, uid: string, { metadata }: Frozen): ApiError =>
  conflict(
    { group, resource: 'TokenRequest' },
    account,
    `the UID in the token request (${uid}) does not match the UID of the service account (${metadata.uid})`,
  );
