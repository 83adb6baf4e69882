import { secrets } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';

const type = 'bootstrap.kubernetes.io/token';

/** Deletes bootstrap tokens that have expired. */
export function createBootstrapTokenController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(secrets, { namespace: 'kube-system', fieldSelector: `type=${type}` });
  return createController({
    name: 'bootstrap-tokens',
    log: context.log.child('bootstrap-tokens'),
    watches: (queue) => [watching(queue, informer, (secret) => (secret.type === type ? keyOf(secret) : undefined))],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const secret = informer.get(name, namespace);
      const text = secret?.data?.expiration;
      if (!secret || text === undefined) return undefined;
      const expires = Date.parse(Buffer.from(String(text), 'base64').toString());
      // What is no time is no token that anybody could use.
      const left = Number.isNaN(expires) ? 0 : expires - now();
      if (left > 0) return { requeueAfterMs: left };
      try {
        await client.delete(secrets, name, { namespace, preconditions: { uid: secret.metadata.uid } });
      } catch (error) {
        if (!isApiError(error, 'NotFound')) throw error;
      }
      return undefined;
    },
  });
}
