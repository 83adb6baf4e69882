import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  WebhookClientConfig,
} from '../gen/admissionregistration-v1.ts';
import { isDns1035Label, isDns1123Subdomain } from '../names.ts';
import { failurePolicies, matchPolicies, validateAdmissionRule } from './admission-rules.ts';
import { validateSelector } from './metadata.ts';
import type { Problems } from './problems.ts';

/** Where a webhook is. */
export function validateClientConfig(p: Problems, path: string, client: Partial<WebhookClientConfig>): void {
  const { url, service } = client;
  if ((url === undefined) === (service === undefined)) {
    p.required(path, 'exactly one of url or service is required');
  } else if (url !== undefined) validateUrl(p, `${path}.url`, url);
  else if (service) {
    if (!service.name) p.required(`${path}.service.name`, 'service name is required');
    if (!service.namespace) p.required(`${path}.service.namespace`, 'service namespace is required');
    const port = service.port ?? 443;
    if (port < 1 || port > 65535) {
      p.invalid(`${path}.service.port`, port, 'port is not valid: must be between 1 and 65535, inclusive');
    }
    if (service.path) validateServicePath(p, `${path}.service.path`, service.path);
  }
}

function validateServicePath(p: Problems, at: string, path: string): void {
  if (path === '/') return;
  if (path === '//') {
    p.invalid(at, path, 'segment[0] may not be empty');
    return;
  }
  if (!path.startsWith('/')) p.invalid(at, path, "must start with a '/'");
  for (const [i, step] of path.slice(1).replace(/\/$/, '').split('/').entries()) {
    if (step === '') p.invalid(at, path, `segment[${i}] may not be empty`);
    else for (const why of isDns1123Subdomain(step)) p.invalid(at, path, `segment[${i}]: ${why}`);
  }
}

function validateUrl(p: Problems, path: string, text: string): void {
  const form = '; desired format: https://host[/path]';
  const parts = /^(?:([A-Za-z][\w+.-]*):)?(?:\/\/([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  const [, scheme = '', rest = '', query = '', fragment = ''] = parts;
  if (scheme !== 'https') p.invalid(path, scheme, `'https' is the only allowed URL scheme${form}`);
  if (rest === '') p.invalid(path, rest, `host must be specified${form}`);
  if (rest.includes('@')) p.invalid(path, rest.split('@')[0], 'user information is not permitted in the URL');
  if (fragment !== '') p.invalid(path, fragment, 'fragments are not permitted in the URL');
  if (query !== '') p.invalid(path, query, 'query parameters are not permitted in the URL');
}

export function validateWebhooks(p: Problems, { webhooks = [] }: MutatingWebhookConfiguration): void {
  const names = new Set<string>();
  for (const [i, hook] of webhooks.entries()) {
    const at = `webhooks[${i}]`;
    validateWebhook(p, at, hook);
    if (hook.name && names.has(hook.name)) p.duplicate(`${at}.name`, hook.name);
    names.add(hook.name);
  }
}

function validateWebhook(p: Problems, at: string, hook: MutatingWebhook): void {
  if (!hook.name) p.required(`${at}.name`);
  else {
    p.all(`${at}.name`, hook.name, isDns1123Subdomain(hook.name));
    if (hook.name.split('.').length < 3 && isDns1123Subdomain(hook.name).length === 0) {
      p.invalid(`${at}.name`, hook.name, 'should be a domain with at least three segments separated by dots');
    }
  }
  for (const [j, rule] of (hook.rules ?? []).entries()) validateAdmissionRule(p, `${at}.rules[${j}]`, rule);
  p.known(`${at}.failurePolicy`, hook.failurePolicy, failurePolicies);
  p.known(`${at}.matchPolicy`, hook.matchPolicy, matchPolicies);
  const effects = ['None', 'NoneOnDryRun'];
  if (hook.sideEffects === undefined || hook.sideEffects === null) {
    p.required(`${at}.sideEffects`, `must specify one of ${effects.join(', ')}`);
  } else p.known(`${at}.sideEffects`, hook.sideEffects, effects);
  const seconds = hook.timeoutSeconds;
  if (seconds !== undefined && (seconds < 1 || seconds > 30)) {
    p.invalid(`${at}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds');
  }
  validateSelector(p, hook.namespaceSelector, `${at}.namespaceSelector`);
  validateSelector(p, hook.objectSelector, `${at}.objectSelector`);
  validateClientConfig(p, `${at}.clientConfig`, hook.clientConfig ?? {});
  validateReviewVersions(p, `${at}.admissionReviewVersions`, hook.admissionReviewVersions ?? []);
  p.known(`${at}.reinvocationPolicy`, hook.reinvocationPolicy, ['IfNeeded', 'Never']);
}

/** The forms of a review that are understood. */
export const reviewVersions: readonly string[] = ['v1', 'v1beta1'];

function validateReviewVersions(p: Problems, path: string, versions: readonly string[]): void {
  if (versions.length === 0) p.required(path, 'must specify one of v1, v1beta1');
  else validateVersionList(p, path, versions, true);
}

/** Each once, and one of them understood, unless it need not be. */
export function validateVersionList(p: Problems, path: string, versions: readonly string[], isKnown: boolean): void {
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) p.invalid(`${path}[${i}]`, version, 'duplicate version');
    else p.all(`${path}[${i}]`, version, isDns1035Label(version));
  }
  if (isKnown && !versions.some((version) => reviewVersions.includes(version))) {
    p.invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`);
  }
}
