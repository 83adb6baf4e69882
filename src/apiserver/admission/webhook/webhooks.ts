import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../../api/gen/admissionregistration-v1.ts';
import { applyJsonPatch } from '../../../api/patch-json.ts';
import { ApiError, internalError } from '../../../api/status.ts';
import { messageOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { conditionsHold } from '../../cel/match-conditions.ts';
import type { AdmissionAttributes, Draft, Frozen, Maybe } from '../../registry/types.ts';
import type { Dialer } from '../../server.ts';
import { type AdmissionContext, type AdmissionPlugin, lookUp } from '../plugin.ts';
import { type AdmissionResponse, admissionReview, callWebhook, responseOf } from './call.ts';
import { asAsked, asEquivalent, equivalentsOf } from './equivalents.ts';
import { ruleMatch, selectorsMatch, type Webhook } from './match.ts';

export interface WebhookOptions {
  context: AdmissionContext;
  authorizer: Authorizer;
  dial: Dialer;
  log: Logger;
}

/** A request as a webhook sees it, the request as it came, and the way back for what the webhook makes of it. */
interface Seen {
  readonly attributes: AdmissionAttributes;
  readonly asked: AdmissionAttributes;
  back(object: Draft): Maybe<Draft>;
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
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(status?.reason ? { reason: status.reason } : {}),
    code: status?.code && status.code >= 400 ? status.code : 400,
  });
}

/** Mutating and validating webhooks by the configurations that are stored. */
export function webhookPlugins(options: WebhookOptions): AdmissionPlugin[] {
  const { context, dial, log } = options;
  const namespaceOf = (name: string): Promise<Frozen | undefined> =>
    lookUp(context, { group: '', resource: 'namespaces' }, { name });

  /** The webhooks of all configurations, by configuration name; undefined when there are none. */
  const configured = (resource: string): Webhook[] | undefined | Promise<Webhook[]> => {
    const found = context.registry().store(group, resource).list({});
    const all = (items: readonly { object: Frozen; name: string }[]): Webhook[] =>
      [...items]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .flatMap(
          (item) =>
            ((item.object as unknown as MutatingWebhookConfiguration | ValidatingWebhookConfiguration).webhooks ??
              []) as Webhook[],
        );
    if (found instanceof Promise) return found.then((result) => all(result.items));
    return found.items.length === 0 ? undefined : all(found.items);
  };

  /**
   * The request as the webhook is to see it; undefined: it is not asked. A match condition that fails to evaluate is
   * decided by the failure policy.
   */
  const wanted = async (webhook: Webhook, a: AdmissionAttributes): Promise<Seen | undefined> => {
    const match = ruleMatch(webhook, a, () => equivalentsOf(context.registry(), a));
    if (match === undefined || !(await selectorsMatch(webhook, a, namespaceOf))) return undefined;
    const seen =
      match === 'own'
        ? { attributes: a, asked: a, back: (object: Draft) => object }
        : { attributes: await asEquivalent(a, match), asked: a, back: (object: Draft) => asAsked(a, match, object) };
    try {
      const holds = await conditionsHold(webhook.matchConditions, seen.attributes, options.authorizer);
      return holds ? seen : undefined;
    } catch (error) {
      if (webhook.failurePolicy === 'Ignore') return undefined;
      throw internalError(messageOf(error));
    }
  };

  /** The webhook's response; undefined when it could not be had and that is to be ignored. */
  const ask = async (webhook: Webhook, { attributes: a, asked }: Seen): Promise<AdmissionResponse | undefined> => {
    if (a.context.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun')
      throw new ApiError({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: `admission webhook "${webhook.name}" does not support dry run`,
        reason: 'BadRequest',
        code: 400,
      });
    try {
      const { uid, body } = admissionReview(a, asked);
      const answer = await callWebhook(
        { registry: context.registry(), dial },
        webhook.clientConfig,
        body,
        webhook.timeoutSeconds ?? 10,
      );
      const response = responseOf(answer, uid);
      for (const text of response.warnings ?? []) a.context.warn(text);
      return response;
    } catch (error) {
      const text = `failed calling webhook "${webhook.name}": ${messageOf(error)}`;
      if (webhook.failurePolicy !== 'Ignore') throw internalError(text);
      log.warn(text);
      return undefined;
    }
  };

  const mutateBy = async (webhook: MutatingWebhook, seen: Seen): Promise<boolean> => {
    const response = await ask(webhook, seen);
    const { attributes, asked } = seen;
    if (!response) return false;
    if (!response.allowed) throw denied(webhook.name, response);
    if (!response.patch || !attributes.object) return false;
    if (response.patchType !== 'JSONPatch')
      throw internalError(`unsupported patch type ${response.patchType ?? ''} of webhook "${webhook.name}"`);
    const before = JSON.stringify(asked.object);
    const patch: unknown = JSON.parse(Buffer.from(response.patch, 'base64').toString());
    asked.object = await seen.back(applyJsonPatch(attributes.object, patch) as Draft);
    return JSON.stringify(asked.object) !== before;
  };

  const mutateAll = async (webhooks: readonly MutatingWebhook[], a: AdmissionAttributes): Promise<boolean> => {
    let changed = false;
    const again: MutatingWebhook[] = [];
    const asked: MutatingWebhook[] = [];
    for (const webhook of webhooks) {
      const seen = await wanted(webhook, a);
      if (!seen) continue;
      const altered = await mutateBy(webhook, seen);
      if (altered) {
        changed = true;
        // Those that want to see the outcome of others are asked once more.
        for (const other of asked)
          if (other.reinvocationPolicy === 'IfNeeded' && !again.includes(other)) again.push(other);
      }
      asked.push(webhook);
    }
    for (const webhook of again) {
      const seen = await wanted(webhook, a);
      if (seen) changed = (await mutateBy(webhook, seen)) || changed;
    }
    return changed;
  };

  const validateAll = async (webhooks: readonly ValidatingWebhook[], a: AdmissionAttributes): Promise<void> => {
    await Promise.all(
      webhooks.map(async (webhook) => {
        const seen = await wanted(webhook, a);
        if (!seen) return;
        const response = await ask(webhook, seen);
        if (response && !response.allowed) throw denied(webhook.name, response);
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
        const found = configured('mutatingwebhookconfigurations');
        if (!found) return false;
        return Promise.resolve(found).then((webhooks) => mutateAll(webhooks as MutatingWebhook[], a));
      },
    },
    {
      name: 'ValidatingAdmissionWebhook',
      operations,
      validate(a) {
        if (a.group === group && exempt.has(a.resource)) return undefined;
        const found = configured('validatingwebhookconfigurations');
        if (!found) return undefined;
        return Promise.resolve(found).then((webhooks) => validateAll(webhooks as ValidatingWebhook[], a));
      },
    },
  ];
}
