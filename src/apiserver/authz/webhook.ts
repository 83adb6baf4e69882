import { parseFieldSelector, parseLabelSelector } from '../../api/selectors.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { AuthorizerMetrics } from '../metrics/authorizers.ts';
import type { RemoteService } from '../remote/service.ts';
import type { UserInfo } from '../server.ts';
import { type Attributes, type Authorizer, type Decision, noOpinion } from './authorizer.ts';
import type { WebhookSettings } from './configuration.ts';
import { type ReviewSpec, reviewMatches } from './match-conditions.ts';

interface ReviewStatus {
  readonly allowed?: boolean;
  readonly denied?: boolean;
  readonly reason?: string;
}

const answersKept = 8192;
/** Longer requests are not remembered: who asks may choose their names. */
const longestRemembered = 10_000;

const labelOperators: Readonly<Record<string, string>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
};

/** Selectors as requirements; what cannot be read narrows nothing. */
function selectorsOf({ fieldSelector, labelSelector }: Attributes): object {
  const read = <T>(parse: () => T[]): T[] => {
    try {
      return parse();
    } catch {
      return [];
    }
  };
  const fields = read(() =>
    parseFieldSelector(fieldSelector).map(({ field, operator, value }) => ({
      key: field,
      operator: operator === '!=' ? 'NotIn' : 'In',
      values: [value],
    })),
  );
  const labels = read(() =>
    parseLabelSelector(labelSelector).flatMap(({ key, operator, values }) => {
      const named = labelOperators[operator];
      return named === undefined ? [] : [{ key, operator: named, ...(values.length > 0 ? { values } : {}) }];
    }),
  );
  return {
    ...(fields.length > 0 ? { fieldSelector: { requirements: fields } } : {}),
    ...(labels.length > 0 ? { labelSelector: { requirements: labels } } : {}),
  };
}

const withoutEmpty = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '' && value !== undefined));

export function reviewSpec(user: UserInfo, a: Attributes): ReviewSpec {
  const { namespace, verb, group, version, resource, subresource, name } = a;
  return {
    ...(a.isResource
      ? {
          resourceAttributes: {
            ...withoutEmpty({ namespace, verb, group, version, resource, subresource, name }),
            ...selectorsOf(a),
          },
        }
      : { nonResourceAttributes: { path: a.path, verb } }),
    ...(user.name === '' ? {} : { user: user.name }),
    ...(user.groups.length > 0 ? { groups: user.groups } : {}),
    ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}),
    ...(user.uid ? { uid: user.uid } : {}),
  };
}

/** Asks a service by SubjectAccessReview. Upstream: `plugin/pkg/authorizer/webhook`. */
export function createWebhookAuthorizer(options: {
  name: string;
  settings: Omit<WebhookSettings, 'kubeconfig' | 'timeoutMs'>;
  service: RemoteService;
  metrics: Pick<AuthorizerMetrics, 'webhook'>;
  log: Logger;
  now?: () => number;
}): Authorizer {
  const { name, settings, service, metrics, log, now = Date.now } = options;
  const known = new Map<string, { status: ReviewStatus; until: number }>();
  const onError: Decision = { allowed: false, denied: settings.failurePolicy === 'Deny', reason: '' };

  const remembered = (key: string): ReviewStatus | undefined => {
    const entry = known.get(key);
    if (!entry) return undefined;
    known.delete(key);
    if (entry.until <= now()) return undefined;
    known.set(key, entry); // the last used is the last to go
    return entry.status;
  };
  const remember = (key: string, status: ReviewStatus): void => {
    const ttl = status.allowed ? settings.authorizedTtlMs : settings.unauthorizedTtlMs;
    if (ttl <= 0 || key.length > longestRemembered) return;
    if (known.size >= answersKept) known.delete(known.keys().next().value ?? '');
    known.set(key, { status, until: now() + ttl });
  };
  const ask = async (spec: ReviewSpec): Promise<ReviewStatus> => {
    const { groups, ...rest } = spec;
    // v1beta1 calls the groups by another name.
    const sent = settings.version === 'v1beta1' && groups ? { ...rest, group: groups } : spec;
    const apiVersion = `authorization.k8s.io/${settings.version}`;
    const answer = (await service.post({
      kind: 'SubjectAccessReview',
      apiVersion,
      metadata: {},
      spec: sent,
      status: { allowed: false },
    })) as { kind?: string; apiVersion?: string; status?: ReviewStatus } | null;
    if (answer?.kind !== 'SubjectAccessReview' || answer.apiVersion !== apiVersion)
      throw new Error(`no kind "${answer?.kind ?? ''}" is registered for version "${answer?.apiVersion ?? ''}"`);
    return answer.status ?? {};
  };
  const decisionOf = ({ allowed = false, denied = false, reason = '' }: ReviewStatus): Decision => {
    if (denied && allowed)
      return {
        allowed: false,
        denied,
        reason,
        error: 'webhook subject access review returned both allow and deny response',
      };
    return { allowed, denied, reason };
  };

  return {
    authorize(user, attributes) {
      const spec = reviewSpec(user, attributes);
      try {
        if (!reviewMatches(settings.matchConditions, spec)) return noOpinion;
      } catch (error) {
        return { ...onError, error: messageOf(error) };
      }
      const key = JSON.stringify(spec);
      const before = remembered(key);
      if (before) return decisionOf(before);
      const began = performance.now();
      return ask(spec).then(
        (status) => {
          metrics.webhook(name, 'success', performance.now() - began, false);
          remember(key, status);
          return decisionOf(status);
        },
        (error: unknown) => {
          metrics.webhook(name, 'error', performance.now() - began, onError.denied !== true);
          log.error('the authorization webhook does not answer', { error: messageOf(error) });
          return { ...onError, error: messageOf(error) };
        },
      );
    },
  };
}
