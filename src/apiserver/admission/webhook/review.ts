import { randomUUID } from 'node:crypto';
import { valueWord } from '../../../api/canonical.ts';
import type { Status } from '../../../api/gen/meta-v1.ts';
import { shownNamespace, shownObject } from '../../cel/match-conditions.ts';
import type { AdmissionAttributes } from '../../registry/types.ts';

/** What a webhook answers in its AdmissionReview. */
export interface AdmissionResponse {
  readonly uid?: string;
  readonly allowed?: boolean;
  readonly status?: Partial<Status>;
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

export interface Review {
  readonly version: string;
  readonly uid: string;
  readonly body: object;
}

const group = 'admission.k8s.io';
const known = ['v1', 'v1beta1'];

/** The AdmissionReview of a request, in the first version of those that the webhook accepts which is known here. */
export function admissionReview(a: AdmissionAttributes, accepted: readonly string[]): Review {
  const version = accepted.find((item) => known.includes(item));
  if (version === undefined)
    throw new Error(
      'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)',
    );
  const asked = a.asked ?? a;
  const uid = randomUUID();
  const resource = { group: a.group, version: a.version, resource: a.resource };
  const { user } = a.context;
  const name = a.name || a.object?.metadata.name;
  const namespace = shownNamespace(a);
  const request = {
    uid,
    kind: a.kind,
    resource,
    ...(a.subresource ? { subResource: a.subresource, requestSubResource: a.subresource } : {}),
    requestKind: asked.kind,
    requestResource: { group: asked.group, version: asked.version, resource: asked.resource },
    ...(name ? { name } : {}),
    ...(namespace === '' ? {} : { namespace }),
    operation: a.operation,
    userInfo: {
      username: user.name,
      ...(user.uid ? { uid: user.uid } : {}),
      groups: user.groups,
      ...(user.extra ? { extra: user.extra } : {}),
    },
    object: shownObject(a) ?? null,
    oldObject: a.oldObject ?? null,
    dryRun: a.context.dryRun,
    options: Object.keys(a.options).length > 0 ? a.options : null,
  };
  return { version, uid, body: { kind: 'AdmissionReview', apiVersion: `${group}/${version}`, request } };
}

/** As Go shows a kind: the core group has an empty name. */
const shownKind = (version: string, kind: string): string =>
  `${version.includes('/') ? version : `/${version}`}, Kind=${kind}`;

const goTypes: Readonly<Record<keyof AdmissionResponse, [json: string, go: string]>> = {
  uid: ['string', 'types.UID'],
  allowed: ['bool', 'bool'],
  status: ['object', 'v1.Status'],
  patch: ['string', '[]uint8'],
  patchType: ['string', 'v1.PatchType'],
  auditAnnotations: ['object', 'map[string]string'],
  warnings: ['array', '[]string'],
};

/** What is wrong with the types of an answer that is to be an AdmissionReview of this version. */
function typeProblem(answer: { apiVersion?: string; kind?: string; response?: unknown }, version: string) {
  const { apiVersion = '', kind = '', response } = answer;
  const given = apiVersion.split('/').at(-1) ?? '';
  const isReview = kind === '' || kind === 'AdmissionReview';
  const isOurs = apiVersion === '' || known.some((one) => apiVersion === `${group}/${one}`);
  if (!isReview || !isOurs)
    return `no kind ${JSON.stringify(kind || 'AdmissionReview')} is registered for version ${JSON.stringify(apiVersion || `${group}/${version}`)} in scheme "pkg/runtime/scheme.go:111"`;
  if (given !== '' && given !== version)
    return `converting (${given}.AdmissionReview) to (${version}.AdmissionReview): unknown conversion`;
  const wrong = (value: unknown, field: string, type: string): string =>
    `json: cannot unmarshal ${valueWord(value)} into Go struct field ${field} of type ${type}`;
  if (response === undefined || response === null) return undefined;
  if (valueWord(response) !== 'object')
    return wrong(response, 'AdmissionReview.response', `${version}.AdmissionResponse`);
  for (const [name, [json, go]] of Object.entries(goTypes)) {
    const value = (response as Record<string, unknown>)[name];
    if (value !== undefined && value !== null && valueWord(value) !== json)
      return wrong(value, `AdmissionResponse.response.${name}`, go);
  }
  return undefined;
}

/** What is wrong with a response of version v1; the one before took what it got. */
function problemOf(response: AdmissionResponse, mutating: boolean): string | undefined {
  const { patch, patchType } = response;
  if (!mutating) {
    if (patch) return 'validating webhook may not return response.patch';
    return patchType === undefined ? undefined : 'validating webhook may not return response.patchType';
  }
  if (patch && patchType === undefined) return 'webhook returned response.patch but not response.patchType';
  if (!patch && patchType !== undefined) return 'webhook returned response.patchType but not response.patch';
  return patchType === '' ? 'webhook returned invalid response.patchType of ""' : undefined;
}

/** The response in an AdmissionReview. Throws with upstream's words when it is not one to this review. */
export function responseOf(answer: unknown, { version, uid }: Review, mutating: boolean): AdmissionResponse {
  const invalid = (why: string): Error => new Error(`received invalid webhook response: ${why}`);
  const { response, ...type } = answer as { response?: AdmissionResponse; apiVersion?: string; kind?: string };
  const wrong = typeProblem({ ...type, response }, version);
  if (wrong !== undefined) throw new Error(`failed to call webhook: ${wrong}`);
  if (!response) throw invalid('webhook response was absent');
  if (version !== 'v1')
    return response.patch && mutating ? { ...response, patchType: 'JSONPatch' } : { ...response, patch: '' };
  if (response.uid !== uid)
    throw invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
  const { apiVersion = '', kind = '' } = type;
  if (apiVersion !== `${group}/v1` || kind !== 'AdmissionReview') {
    const wanted = shownKind(`${group}/v1`, 'AdmissionReview');
    throw invalid(`expected webhook response of ${wanted}, got ${shownKind(apiVersion, kind)}`);
  }
  const problem = problemOf(response, mutating);
  if (problem !== undefined) throw invalid(problem);
  return response;
}
