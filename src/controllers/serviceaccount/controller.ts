import { namespaces, serviceaccounts } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { isNamespaceTerminating } from '../runtime/pod-control.ts';

/** Every active namespace has the service account `default`. */
export function createServiceAccountController(context: ControllerContext): Component {
  const { client, informers } = context;
  const namespaceInformer = informers.informer(namespaces);
  const accounts = informers.informer(serviceaccounts);
  return createController({
    name: 'serviceaccount',
    log: context.log.child('serviceaccount'),
    watches: (queue) => [
      watching(queue, namespaceInformer),
      watching(
        queue,
        accounts,
        (account) => (account.metadata.name === 'default' ? account.metadata.namespace : undefined),
        () => false,
      ),
    ],
    async reconcile(name) {
      const namespace = namespaceInformer.get(name);
      if (namespace?.status?.phase !== undefined && namespace.status.phase !== 'Active') return undefined;
      if (!namespace || namespace.metadata.deletionTimestamp || accounts.get('default', name)) return undefined;
      try {
        accounts.observe(await client.create(serviceaccounts, { metadata: { name: 'default', namespace: name } }));
      } catch (error) {
        if (!isApiError(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
      }
      return undefined;
    },
  });
}
