import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { isDns1123Subdomain } from '../../api/names.ts';
import { Problems } from '../../api/validation/problems.ts';
import { goDuration, parseGoDuration } from '../../base/duration.ts';
import { messageOf } from '../../base/errors.ts';
import { problemsText } from '../configuration/problems-text.ts';
import { type FileKind, readShaped } from '../configuration/shape.ts';
import { matchConditionProblem } from './match-conditions.ts';

/** Ways to decide, as `--authorization-mode` names them. */
export const authorizerTypes = ['ABAC', 'AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'] as const;
export type AuthorizerType = (typeof authorizerTypes)[number];

export interface WebhookSettings {
  readonly kubeconfig: string;
  readonly version: 'v1' | 'v1beta1';
  readonly timeoutMs: number;
  /** How long answers are believed; 0 asks each time. */
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
  readonly failurePolicy: 'NoOpinion' | 'Deny';
  readonly matchConditions: readonly string[];
}

/** One authorizer of the row. */
export type AuthorizerSettings =
  | { readonly type: Exclude<AuthorizerType, 'Webhook'> }
  | { readonly type: 'Webhook'; readonly name: string; readonly webhook: WebhookSettings };

const file: FileKind = {
  group: 'apiserver.config.k8s.io',
  kind: 'AuthorizationConfiguration',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  shape: {
    fields: {
      authorizers: {
        list: {
          fields: {
            type: 'string',
            name: 'string',
            webhook: {
              fields: {
                authorizedTTL: 'string',
                cacheAuthorizedRequests: 'boolean',
                unauthorizedTTL: 'string',
                cacheUnauthorizedRequests: 'boolean',
                timeout: 'string',
                subjectAccessReviewVersion: 'string',
                matchConditionSubjectAccessReviewVersion: 'string',
                failurePolicy: 'string',
                connectionInfo: { fields: { type: 'string', kubeConfigFile: 'string' } },
                matchConditions: { list: { fields: { expression: 'string' } } },
              },
            },
          },
        },
      },
    },
  },
};

interface GivenWebhook {
  authorizedTTL?: string;
  cacheAuthorizedRequests?: boolean;
  unauthorizedTTL?: string;
  cacheUnauthorizedRequests?: boolean;
  timeout?: string;
  subjectAccessReviewVersion?: string;
  matchConditionSubjectAccessReviewVersion?: string;
  failurePolicy?: string;
  connectionInfo?: { type?: string; kubeConfigFile?: string };
  matchConditions?: { expression?: string }[];
}

interface Given {
  authorizers?: { type?: string; name?: string; webhook?: GivenWebhook | null }[];
}

function durationOf(text: string | undefined, preset: number): number {
  if (text === undefined) return preset;
  const ms = parseGoDuration(text);
  return ms === 0 ? preset : ms;
}

/** Reads an AuthorizationConfiguration. Throws Error with all that is wrong with it, in upstream's words. */
export async function parseAuthorizationConfiguration(text: string): Promise<AuthorizerSettings[]> {
  let given: Given;
  try {
    given = readShaped(text, file);
  } catch (error) {
    throw new Error(`failed to load AuthorizationConfiguration from file: ${messageOf(error)}`);
  }
  const p = new Problems();
  const authorizers = given.authorizers ?? [];
  if (authorizers.length === 0) p.required('authorizers', 'at least one authorization mode must be defined');
  const types = new Set<string>();
  const names = new Set<string>();
  const result: AuthorizerSettings[] = [];
  for (const [i, { type = '', name = '', webhook }] of authorizers.entries()) {
    const at = `authorizers[${i}]`;
    if (type === '') {
      p.required(`${at}.type`);
      continue;
    }
    if (!authorizerTypes.some((known) => known === type)) {
      p.unsupported(`${at}.type`, type, authorizerTypes);
      continue;
    }
    if (types.has(type) && type !== 'Webhook') {
      p.duplicate(`${at}.type`, type);
      continue;
    }
    types.add(type);
    checkName(p, `${at}.name`, name, names);
    if (type === 'Webhook') {
      if (!webhook) p.required(`${at}.webhook`, 'required when type=Webhook');
      else result.push({ type, name, webhook: await webhookOf(webhook, at, p) });
    } else {
      if (webhook) p.invalid(`${at}.webhook`, 'non-null', 'may only be specified when type=Webhook');
      result.push({ type: type as Exclude<AuthorizerType, 'Webhook'> });
    }
  }
  const problems = problemsText(p);
  if (problems !== undefined) throw new Error(problems);
  for (const { type = '', name = '' } of authorizers)
    if (type !== 'Webhook' && name !== type.toLowerCase())
      throw new Error(`expected name ${type.toLowerCase()} for authorizer ${type} instead of ${name}`);
  return result;
}

function checkName(p: Problems, at: string, name: string, names: Set<string>): void {
  const wrong = isDns1123Subdomain(name);
  if (name === '') p.required(at);
  else if (names.has(name)) p.duplicate(at, name);
  else if (wrong.length > 0) p.invalid(at, name, `authorizer name is invalid: ${wrong.join(', ')}`);
  names.add(name);
}

async function webhookOf(given: GivenWebhook, at: string, p: Problems): Promise<WebhookSettings> {
  const timeoutMs = durationOf(given.timeout, 0);
  const authorizedTtlMs = durationOf(given.authorizedTTL, 5 * 60_000);
  const unauthorizedTtlMs = durationOf(given.unauthorizedTTL, 30_000);
  const { subjectAccessReviewVersion: version, matchConditionSubjectAccessReviewVersion: conditionVersion } = given;
  const conditions = given.matchConditions ?? [];
  if (timeoutMs === 0) p.required(`${at}.timeout`);
  else if (timeoutMs < 0 || timeoutMs > 30_000)
    p.invalid(`${at}.timeout`, goDuration(timeoutMs), 'must be > 0s and <= 30s');
  if (authorizedTtlMs < 0) p.invalid(`${at}.authorizedTTL`, goDuration(authorizedTtlMs), 'must be > 0s');
  if (unauthorizedTtlMs < 0) p.invalid(`${at}.unauthorizedTTL`, goDuration(unauthorizedTtlMs), 'must be > 0s');
  p.oneOf(`${at}.subjectAccessReviewVersion`, version, ['v1', 'v1beta1']);
  if (conditionVersion) p.oneOf(`${at}.matchConditionSubjectAccessReviewVersion`, conditionVersion, ['v1']);
  else if (conditions.length > 0)
    p.required(`${at}.matchConditionSubjectAccessReviewVersion`, 'required if match conditions are specified');
  p.oneOf(`${at}.failurePolicy`, given.failurePolicy, ['NoOpinion', 'Deny']);
  await checkConnection(p, `${at}.connectionInfo`, given.connectionInfo ?? {});
  checkConditions(p, `${at}.matchConditions`, conditions);
  return {
    kubeconfig: given.connectionInfo?.kubeConfigFile ?? '',
    version: version === 'v1beta1' ? 'v1beta1' : 'v1',
    timeoutMs,
    authorizedTtlMs: given.cacheAuthorizedRequests === false ? 0 : authorizedTtlMs,
    unauthorizedTtlMs: given.cacheUnauthorizedRequests === false ? 0 : unauthorizedTtlMs,
    failurePolicy: given.failurePolicy === 'Deny' ? 'Deny' : 'NoOpinion',
    matchConditions: conditions.map(({ expression = '' }) => expression),
  };
}

async function checkConnection(
  p: Problems,
  at: string,
  { type = '', kubeConfigFile = '' }: { type?: string; kubeConfigFile?: string },
): Promise<void> {
  const path = `${at}.kubeConfigFile`;
  if (type === 'InClusterConfig') {
    if (kubeConfigFile !== '') p.invalid(path, kubeConfigFile, 'can only be set when type=KubeConfigFile');
    else p.invalid(`${at}.type`, type, 'the server is not inside of its own cluster; use KubeConfigFile');
    return;
  }
  p.oneOf(`${at}.type`, type, ['InClusterConfig', 'KubeConfigFile']);
  if (type !== 'KubeConfigFile') return;
  if (kubeConfigFile === '') p.required(path);
  else if (!isAbsolute(kubeConfigFile)) p.invalid(path, kubeConfigFile, 'must be an absolute path');
  else {
    const found = await stat(kubeConfigFile).catch((): undefined => undefined);
    if (found === undefined)
      p.invalid(path, kubeConfigFile, `error loading file: stat ${kubeConfigFile}: no such file or directory`);
    else if (!found.isFile()) p.invalid(path, kubeConfigFile, 'must be a regular file');
  }
}

function checkConditions(p: Problems, at: string, conditions: readonly { expression?: string }[]): void {
  if (conditions.length > 64) {
    p.tooMany(at, conditions.length, 64);
    return;
  }
  const seen = new Set<string>();
  for (const [i, { expression = '' }] of conditions.entries()) {
    const path = `${at}[${i}].expression`;
    if (expression.trim() === '') p.required(path);
    else if (seen.has(expression)) p.duplicate(path, expression);
    else {
      const problem = matchConditionProblem(expression);
      if (problem !== undefined) p.invalid(path, expression, problem);
    }
    seen.add(expression);
  }
}
