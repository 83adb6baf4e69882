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

const timeoutSeconds = 30;

/** Between the versions of a custom resource by its webhook; undefined where only the apiVersion changes. */
export function conversionOf(
  crd: CustomResourceDefinition,
  options: { registry: Registry; dial: Dialer },
): Convert | undefined {
  const { conversion } = crd.spec;
  const config = conversion?.webhook?.clientConfig;
  if (conversion?.strategy !== 'Webhook' || !config) return undefined;
  return async (object, to) => {
    const desiredAPIVersion = `${to.group}/${to.version}`;
    if (object.apiVersion === desiredAPIVersion) return object;
    const uid = randomUUID();
    const from = `${crd.spec.group}, Kind=${crd.spec.names.kind}`;
    try {
      const answer = (await callWebhook(
        options,
        config as Parameters<typeof callWebhook>[1],
        {
          kind: 'ConversionReview',
          apiVersion: 'apiextensions.k8s.io/v1',
          request: { uid, desiredAPIVersion, objects: [object] },
        },
        timeoutSeconds,
      )) as ConversionReview;
      const { response } = answer;
      if (response?.uid !== uid) throw new Error('the response is not for this request');
      if (response.result?.status !== 'Success') throw new Error(response.result?.message ?? 'no reason given');
      const [converted] = response.convertedObjects ?? [];
      if (converted?.apiVersion !== desiredAPIVersion || converted.metadata?.uid !== object.metadata.uid)
        throw new Error('the converted object is another one, or of another version');
      return converted;
    } catch (error) {
      throw internalError(`conversion webhook for ${from} failed: ${messageOf(error)}`);
    }
  };
}
