import { sameValue } from '../../../api/equal.ts';
import type { MutatingWebhook, ValidatingWebhook } from '../../../api/gen/admissionregistration-v1.ts';
import { ApiError, badRequest, internalError } from '../../../api/status.ts';
import { messageOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionMetrics, WebhookOutcome } from '../../metrics/admission.ts';
import { lookUp } from '../../registry/look-up.ts';
import type { AdmissionAttributes, Draft, Frozen, Maybe } from '../../registry/types.ts';
import type { Dialer } from '../../server.ts';
import { type AdmissionContext, type AdmissionPlugin, refuse } from '../plugin.ts';
import { beginRound } from '../rounds.ts';
import { callWebhook } from './call.ts';
import { conditionsHold } from './conditions.ts';
import { asAsked, asEquivalent, completed, equivalentsOf } from './equivalents.ts';
import { ruleMatch, selectorsMatch, type Webhook } from './match.ts';
import { patched, patchOf } from './patch.ts';
import { type AdmissionResponse, admissionReview, responseOf } from './review.ts';

export interface WebhookOptions {
  context: AdmissionContext;
  authorizer: Authorizer;
  dial: Dialer;
  metrics?: AdmissionMetrics | undefined;
  log: Logger;
}

/** A request as a webhook sees it, and the way back for what the webhook makes of it. */
interface Seen {
  readonly attributes: AdmissionAttributes;
  back(object: Draft): Maybe<Draft>;
}

interface Answer {
  readonly response: AdmissionResponse;
  /** Of a mutating webhook: what it wants to be changed. */
  readonly patch: readonly unknown[];
}

/** A webhook of a configuration, with its place among all of its kind. */
interface Configured<W extends Webhook> {
  readonly configuration: string;
  readonly webhook: W;
  readonly id: string;
  readonly index: number;
}

const group = 'admissionregistration.k8s.io';

/** Webhooks are never asked about what decides about webhooks: a bad one could not be taken away. */
const exempt = new Set([
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

function denied(name: string, { status }: AdmissionResponse): ApiError {
  const by = `admission webhook "${name}" denied the request`;
  const message = status?.message
    ? `${by}: ${status.message}`
    : status?.reason
      ? `${by}: ${status.reason}`
      : `${by} without explanation`;
  return new ApiError({
    ...status,
    kind: 'Status',
    apiVersion: 'v1',
    metadata: status?.metadata ?? {},
    status: 'Failure',
    message,
    code: status?.code && status.code >= 400 ? status.code : 400,
  });
}

/** Mutating and validating webhooks by the configurations that are stored. */
export function webhookPlugins(options: WebhookOptions): AdmissionPlugin[] {
  const { context, dial, log, metrics } = options;
  const namespaceOf = (name: string): Promise<Frozen | undefined> =>
    lookUp(context.registry(), { group: '', resource: 'namespaces' }, { name });

  /** The webhooks of all configurations, by configuration name; undefined when there are none. */
  const configured = <W extends Webhook>(resource: string): Configured<W>[] | undefined | Promise<Configured<W>[]> => {
    const found = context.registry().store(group, resource).list({});
    const all = (items: readonly { object: Frozen; name: string }[]): Configured<W>[] =>
      [...items]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .flatMap(({ object, name }) =>
          ((object.webhooks ?? []) as W[]).map((webhook) => ({ configuration: name, webhook })),
        )
        .map((item, index) => ({ ...item, index, id: `${item.configuration}/${item.webhook.name}/${index}` }));
    if (found instanceof Promise) return found.then((result) => all(result.items));
    return found.items.length === 0 ? undefined : all(found.items);
  };

  /**
   * The request as the webhook is to see it; undefined: it is not asked. A match condition that fails to evaluate is
   * decided by the failure policy.
   */
  const wanted = async (
    webhook: Webhook,
    a: AdmissionAttributes,
    type: 'admit' | 'validating',
  ): Promise<Seen | undefined> => {
    const match = ruleMatch(webhook, a, () => equivalentsOf(context.registry(), a));
    if (match === undefined || !(await selectorsMatch(webhook, a, namespaceOf))) return undefined;
    const seen =
      match === 'own'
        ? { attributes: a, back: (object: Draft) => object }
        : { attributes: await asEquivalent(a, match), back: (object: Draft) => asAsked(a, match, object) };
    const looked = webhook.matchConditions?.length
      ? metrics?.conditions({ kind: 'webhook', name: webhook.name, type }, a.operation)
      : undefined;
    try {
      const hold = await conditionsHold(webhook, seen.attributes, options.authorizer);
      looked?.(hold ? 'hold' : 'excluded');
      return hold ? seen : undefined;
    } catch (error) {
      looked?.('failed');
      if (webhook.failurePolicy === 'Ignore') return undefined;
      throw refuse(a, messageOf(error));
    }
  };

  /** The webhook's response; undefined when it could not be had and that is to be ignored. */
  const ask = async (
    { webhook, index }: Configured<Webhook>,
    { attributes: a }: Seen,
    round: number | undefined,
  ): Promise<Answer | undefined> => {
    if (a.context.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun')
      throw badRequest(`admission webhook "${webhook.name}" does not support dry run`);
    const began = performance.now();
    const tell = (outcome: Omit<WebhookOutcome, 'ms'>): void => {
      const type = round === undefined ? 'validating' : 'admit';
      metrics?.webhook(webhook.name, type, a.operation, { ms: performance.now() - began, ...outcome });
    };
    try {
      const review = admissionReview(a, webhook.admissionReviewVersions ?? []);
      const answer = await callWebhook(
        { registry: context.registry(), dial },
        webhook.clientConfig,
        review.body,
        webhook.timeoutSeconds ?? 10,
      ).catch((error) => {
        throw new Error(`failed to call webhook: ${messageOf(error)}`);
      });
      const response = responseOf(answer, review, round !== undefined);
      for (const [key, value] of Object.entries(response.auditAnnotations ?? {}))
        a.context.annotate?.(`${webhook.name}/${key}`, value);
      for (const text of response.warnings ?? []) a.context.warn(text);
      const patch = response.allowed && round !== undefined ? patchOf(response) : [];
      if (response.allowed) tell({ rejected: false, code: 200 });
      else tell({ rejected: true, code: denied(webhook.name, response).code, error: 'no_error' });
      return { response, patch };
    } catch (error) {
      const failedOpen = webhook.failurePolicy === 'Ignore';
      tell({ rejected: !failedOpen, code: 503, failedOpen, ...(failedOpen ? {} : { error: 'calling_webhook_error' }) });
      const text = `failed calling webhook "${webhook.name}": ${messageOf(error)}`;
      if (webhook.failurePolicy !== 'Ignore') throw internalError(text);
      log.warn(text);
      const kind = round === undefined ? 'validating' : 'mutation';
      const key = `failed-open.${kind}.webhook.admission.k8s.io/round_${round ?? 0}_index_${index}`;
      a.context.annotate?.(key, webhook.name);
      return undefined;
    }
  };

  /** Whether the webhook altered the object. */
  const mutateBy = async (hook: Configured<MutatingWebhook>, seen: Seen, a: AdmissionAttributes): Promise<boolean> => {
    const { webhook, configuration, index } = hook;
    const round = a.rounds?.isSecond ? 1 : 0;
    const at = `round_${round}_index_${index}`;
    let mutated = false;
    try {
      const answer = await ask(hook, seen, round);
      if (!answer) return false;
      const { response, patch } = answer;
      if (!response.allowed) throw denied(webhook.name, response);
      if (patch.length === 0) return false;
      const { attributes } = seen;
      if (!attributes.object)
        throw internalError(
          `admission webhook "${webhook.name}" attempted to modify the object, which is not supported for this operation`,
        );
      const before = a.object;
      const made = completed(context.registry(), attributes, patched(attributes.object, patch));
      a.object = await seen.back(made);
      mutated = !sameValue(before, a.object);
      a.context.annotate?.(
        `patch.webhook.admission.k8s.io/${at}`,
        JSON.stringify({ configuration, webhook: webhook.name, patch, patchType: response.patchType }),
      );
      return mutated;
    } finally {
      a.context.annotate?.(
        `mutation.webhook.admission.k8s.io/${at}`,
        JSON.stringify({ configuration, webhook: webhook.name, mutated }),
      );
    }
  };

  const mutateAll = async (hooks: readonly Configured<MutatingWebhook>[], a: AdmissionAttributes): Promise<boolean> => {
    let any = false;
    const round = beginRound('MutatingAdmissionWebhook', a);
    for (const hook of hooks) {
      const seen = await wanted(hook.webhook, a, 'admit');
      if (!seen || !round.asks(hook.id)) continue;
      const changed = await mutateBy(hook, seen, a);
      round.asked(hook.id, { changed, wantsMore: hook.webhook.reinvocationPolicy === 'IfNeeded' });
      if (changed) any = true;
    }
    round.end();
    return any;
  };

  const validateAll = async (
    hooks: readonly Configured<ValidatingWebhook>[],
    a: AdmissionAttributes,
  ): Promise<void> => {
    const asked: [Configured<ValidatingWebhook>, Seen][] = [];
    for (const hook of hooks) {
      const seen = await wanted(hook.webhook, a, 'validating');
      if (seen) asked.push([hook, seen]);
    }
    await Promise.all(
      asked.map(async ([hook, seen]) => {
        const answer = await ask(hook, seen, undefined);
        if (answer && !answer.response.allowed) throw denied(hook.webhook.name, answer.response);
      }),
    );
  };

  const operations = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;
  return [
    {
      name: 'MutatingAdmissionWebhook',
      operations,
      mutate(a) {
        if (a.group === group && exempt.has(a.resource)) return false;
        const found = configured<MutatingWebhook>('mutatingwebhookconfigurations');
        if (!found) return false;
        return Promise.resolve(found).then((hooks) => mutateAll(hooks, a));
      },
    },
    {
      name: 'ValidatingAdmissionWebhook',
      operations,
      validate(a) {
        if (a.group === group && exempt.has(a.resource)) return undefined;
        const found = configured<ValidatingWebhook>('validatingwebhookconfigurations');
        if (!found) return undefined;
        return Promise.resolve(found).then((hooks) => validateAll(hooks, a));
      },
    },
  ];
}
