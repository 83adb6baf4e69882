import { randomUUID } from 'node:crypto';
import type { CustomResourceDefinition } from '../../api/gen/apiextensions-v1.ts';
import { internalError } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import { callWebhook } from '../admission/webhook/call.ts';
import type { Draft, Registry } from '../registry/types.ts';
import type { Dialer } from '../server.ts';
import type { Convert } from './definition.ts';

interface ConversionReview {
  response?: {
    uid?: string;
    convertedObjects?: Draft[];
    result?: { status?: string; message?: string };
  };
}

/** Asks the webhook about objects, all for one version. Throws when they cannot be had. */
export type Review = (objects: readonly Draft[], desiredAPIVersion: string) => Promise<readonly Draft[]>;

const timeoutSeconds = 30;
/** What is asked for at about the same time (the items of a list) goes in one review, up to this many. */
const mostAtOnce = 500;

/** The converted object, with the original's metadata but for labels and annotations; throws when it is another one. */
function checked(original: Draft, converted: Draft, apiVersion: string): Draft {
  if (converted.apiVersion !== apiVersion)
    throw new Error(`invalid groupVersion (expected ${apiVersion}, received ${converted.apiVersion})`);
  if (converted.kind !== original.kind)
    throw new Error(`invalid kind (expected ${original.kind}, received ${converted.kind})`);
  if (!converted.metadata) throw new Error('missing metadata in converted object');
  for (const field of ['name', 'namespace', 'uid'] as const) {
    const [before, after] = [original.metadata[field] ?? '', converted.metadata[field] ?? ''];
    if (before !== after)
      throw new Error(`must have the same ${field === 'uid' ? 'UID' : field}: ${before} != ${after}`);
  }
  const { labels, annotations } = converted.metadata;
  const { labels: _, annotations: __, ...metadata } = original.metadata;
  return {
    ...converted,
    metadata: { ...metadata, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
  };
}

interface Waiting {
  readonly object: Draft;
  resolve(converted: Draft): void;
  reject(error: unknown): void;
}

/** Conversions one by one for those who ask, many in one review for the webhook. */
export function createConverter(kind: string, review: Review): Convert {
  const waiting = new Map<string, Waiting[]>();

  const convertAll = async (batch: readonly Waiting[], apiVersion: string): Promise<void> => {
    try {
      const answer = await review(
        batch.map(({ object }) => object),
        apiVersion,
      );
      if (answer.length !== batch.length) throw new Error(`${answer.length} objects, expected ${batch.length}`);
      for (const [i, { object, resolve, reject }] of batch.entries())
        try {
          resolve(checked(object, answer[i] as Draft, apiVersion));
        } catch (error) {
          const why = `returned invalid converted object at index ${i}: ${messageOf(error)}`;
          reject(internalError(`conversion webhook for ${kind} ${why}`));
        }
    } catch (error) {
      for (const { reject } of batch)
        reject(internalError(`conversion webhook for ${kind} failed: ${messageOf(error)}`));
    }
  };

  return (object, to) => {
    const apiVersion = `${to.group}/${to.version}`;
    if (object.apiVersion === apiVersion) return object;
    return new Promise((resolve, reject) => {
      const before = waiting.get(apiVersion);
      if (before && before.length < mostAtOnce) {
        before.push({ object, resolve, reject });
        return;
      }
      const batch = [{ object, resolve, reject }];
      waiting.set(apiVersion, batch);
      setImmediate(() => {
        if (waiting.get(apiVersion) === batch) waiting.delete(apiVersion);
        void convertAll(batch, apiVersion);
      });
    });
  };
}

/** Between the versions of a custom resource by its webhook; undefined where only the apiVersion changes. */
export function conversionOf(
  crd: CustomResourceDefinition,
  options: { registry: Registry; dial: Dialer },
): Convert | undefined {
  const { conversion, group, names } = crd.spec;
  const config = conversion?.webhook?.clientConfig;
  if (conversion?.strategy !== 'Webhook' || !config) return undefined;
  const accepted = conversion.webhook?.conversionReviewVersions ?? [];
  const version = accepted.find((item) => item === 'v1' || item === 'v1beta1');
  return createConverter(`${group}, Kind=${names.kind}`, async (objects, desiredAPIVersion) => {
    if (version === undefined) throw new Error('conversion webhook does not accept known ConversionReview versions');
    const uid = randomUUID();
    const answer = (await callWebhook(
      options,
      config as Parameters<typeof callWebhook>[1],
      {
        kind: 'ConversionReview',
        apiVersion: `apiextensions.k8s.io/${version}`,
        request: { uid, desiredAPIVersion, objects },
      },
      timeoutSeconds,
    )) as ConversionReview;
    const { response } = answer;
    if (!response) throw new Error('no response provided');
    // The version before did not have to repeat it.
    if (version === 'v1' && response.uid !== uid)
      throw new Error(`expected response.uid="${uid}", got "${response.uid ?? ''}"`);
    const { status = '', message } = response.result ?? {};
    if (status !== 'Success') throw new Error(message || `response.result.status was '${status}', not 'Success'`);
    return response.convertedObjects ?? [];
  });
}
