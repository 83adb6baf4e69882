import type { Secret, ServiceAccount } from '../../api/gen/core-v1.ts';
import { secrets, serviceaccounts } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { keyOf, splitKey } from '../../client/informer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { sameJson } from '../runtime/merge-diff.ts';

const type = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Fills the token secrets that users make for their service accounts, and deletes those whose account is gone. */
export function createServiceAccountTokenController(context: ControllerContext): Component {
  const { client, informers, settings } = context;
  const informer = informers.informer(secrets, { fieldSelector: `type=${type}` });
  const accounts = informers.informer(serviceaccounts);

  const tokenFor = ({ metadata }: Secret, account: ServiceAccount): string | undefined => {
    const token = settings.signToken?.({
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': metadata.namespace,
      'kubernetes.io/serviceaccount/secret.name': metadata.name,
      'kubernetes.io/serviceaccount/service-account.name': account.metadata.name,
      'kubernetes.io/serviceaccount/service-account.uid': account.metadata.uid,
      sub: `system:serviceaccount:${metadata.namespace}:${account.metadata.name}`,
    });
    return token && base64(token);
  };

  return createController({
    name: 'service-account-tokens',
    log: context.log.child('service-account-tokens'),
    watches: (queue) => [
      watching(queue, informer, (secret) => (secret.type === type ? keyOf(secret) : undefined)),
      watching(
        queue,
        accounts,
        (account) =>
          informer
            .list(account.metadata.namespace)
            .filter((s) => s.metadata.annotations?.[nameAnnotation] === account.metadata.name)
            .map(keyOf),
        () => false,
      ),
    ],
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const secret = informer.get(name, namespace);
      const account = secret?.metadata.annotations?.[nameAnnotation];
      if (!secret || !account || secret.metadata.deletionTimestamp !== undefined) return undefined;
      const owner = accounts.get(account, namespace);
      const ownerUid = secret.metadata.annotations?.[uidAnnotation];
      if (!owner || (ownerUid !== undefined && ownerUid !== owner.metadata.uid)) {
        try {
          await client.delete(secrets, name, { namespace, preconditions: { uid: secret.metadata.uid } });
        } catch (error) {
          if (!isApiError(error, 'NotFound')) throw error;
        }
        return undefined;
      }
      const known = (secret.data ?? {}) as Record<string, string>;
      const token = known.token ?? tokenFor(secret, owner);
      if (token === undefined) return undefined;
      const data = {
        ...known,
        ...(settings.rootCa === undefined ? {} : { 'ca.crt': base64(settings.rootCa) }),
        namespace: base64(namespace ?? ''),
        token,
      };
      const annotations = { ...secret.metadata.annotations, [uidAnnotation]: owner.metadata.uid ?? '' };
      if (sameJson(data, known) && sameJson(annotations, secret.metadata.annotations)) return undefined;
      const next = { ...secret, metadata: { ...secret.metadata, annotations }, data } as Secret;
      informer.observe(await client.update(secrets, next));
      return undefined;
    },
  });
}
