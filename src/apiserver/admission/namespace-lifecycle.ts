import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { ApiError, forbidden, isApiError, notFound } from '../../api/status.ts';
import type { AdmissionAttributes, Frozen } from '../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, displayName, refuse } from './plugin.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

/** What asks for rights says nothing of whether the namespace is there. */
const isAccessReview = (a: AdmissionAttributes): boolean =>
  a.group === 'authorization.k8s.io' && a.resource === 'localsubjectaccessreviews';

function terminating(attributes: AdmissionAttributes, namespace: string): ApiError {
  const error = forbidden(
    { group: attributes.group, resource: attributes.resource },
    displayName(attributes),
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  const cause: StatusCause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  return new ApiError({ ...error.status, details: { ...error.status.details, causes: [cause] } });
}

/** Nothing is created in a namespace that is not there or is going; the first namespaces stay for ever. */
export function namespaceLifecycle(context: AdmissionContext): AdmissionPlugin {
  const namespaces = { group: '', resource: 'namespaces' };

  const check = (attributes: AdmissionAttributes, namespace: Frozen): void => {
    if (attributes.operation !== 'CREATE') return;
    const phase = (namespace.status as { phase?: string } | undefined)?.phase;
    if (phase === 'Terminating' || namespace.metadata.deletionTimestamp)
      throw terminating(attributes, attributes.namespace);
  };
  const missing = (attributes: AdmissionAttributes): ApiError => notFound(namespaces, attributes.namespace);

  return {
    name: 'NamespaceLifecycle',
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    mutate(attributes) {
      const { operation, resource, group, namespace } = attributes;
      if (group === '' && resource === 'namespaces') {
        if (operation === 'DELETE' && immortal.has(attributes.name))
          throw refuse(attributes, 'this namespace may not be deleted');
        return false;
      }
      if (namespace === '' || operation !== 'CREATE' || isAccessReview(attributes)) return false;
      try {
        const found = context.registry().store('', 'namespaces').get({ namespace: '', name: namespace });
        if (!(found instanceof Promise)) {
          check(attributes, found.object);
          return false;
        }
        return found.then(
          (stored) => {
            check(attributes, stored.object);
            return false;
          },
          (error) => {
            throw isApiError(error, 'NotFound') ? missing(attributes) : error;
          },
        );
      } catch (error) {
        if (isApiError(error, 'NotFound')) throw missing(attributes);
        throw error;
      }
    },
  };
}
