import type { Secret } from '../../api/gen/core-v1.ts';
import { configmaps, pods, secrets, serviceaccounts } from '../../api/gen/resources.ts';
import { podReferences } from '../../api/pod-references.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { dayOf, invalidSinceLabel, judge, trackedLongEnough } from './judge.ts';

const dayMs = 24 * 3600 * 1000;
const usualUnusedMs = 365 * dayMs;
const tracking = 'kube-apiserver-legacy-service-account-token-tracking';

/** Clears away the token Secrets that came with their accounts and that nobody has used for a year. Looks once a day. */
export function createLegacyTokenCleaner(context: ControllerContext): Component {
  const { client, informers, now, settings } = context;
  const log = context.log.child('legacy-token-cleaner');
  const unusedMs = settings.legacyTokenUnusedMs ?? usualUnusedMs;
  const tokens = informers.informer(secrets, { fieldSelector: 'type=kubernetes.io/service-account-token' });
  const accounts = informers.informer(serviceaccounts);
  const podInformer = informers.informer(pods);

  const trackedSince = async (): Promise<string | undefined> => {
    try {
      return (await client.get(configmaps, tracking, { namespace: 'kube-system' })).data?.since;
    } catch (error) {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  };

  const accountOf = ({ metadata }: Secret) => {
    const annotations = metadata.annotations ?? {};
    const account = accounts.get(annotations['kubernetes.io/service-account.name'] ?? '', metadata.namespace);
    const uid = annotations['kubernetes.io/service-account.uid'];
    return uid === undefined || uid === account?.metadata.uid ? account : undefined;
  };

  const clear = async (secret: Secret): Promise<void> => {
    const { namespace, name = '', uid, resourceVersion } = secret.metadata;
    const mounted = (): boolean => podInformer.list(namespace).some((pod) => podReferences(pod).has(`secrets/${name}`));
    const verdict = judge({ secret, account: accountOf(secret), mounted, now: now(), unusedMs });
    if (verdict === 'keep') return;
    try {
      if (verdict === 'mark') {
        log.info('a token that nobody uses is marked as invalid', { namespace, name });
        const body = { metadata: { uid, labels: { [invalidSinceLabel]: dayOf(now()) } } };
        await client.patch(secrets, name, { type: 'merge', body }, { namespace });
        return;
      }
      log.info('a token that was marked as invalid is deleted', { namespace, name });
      await client.delete(secrets, name, { namespace, preconditions: { resourceVersion } });
    } catch (error) {
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    }
  };

  return createController({
    name: 'legacy-token-cleaner',
    log,
    // Nothing is done at once: they are only waited for.
    watches: (queue) => [
      watching(queue, tokens, () => undefined),
      watching(queue, accounts, () => undefined),
      watching(queue, podInformer, () => undefined),
    ],
    onStart: (queue) => queue.add('all'),
    async reconcile() {
      if (trackedLongEnough(await trackedSince(), now(), unusedMs))
        for (const secret of tokens.list()) await clear(secret);
      return { requeueAfterMs: dayMs };
    },
  });
}
