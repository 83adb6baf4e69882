import type { StatusCause } from '../../api/gen/meta-v1.ts';
import type { AllocatedDeviceStatus, ResourceClaim, ResourceClaimStatus } from '../../api/gen/resource-v1.ts';
import { isDns1123Subdomain } from '../../api/names.ts';
import { type ApiError, invalid } from '../../api/status.ts';
import { nodeOfAccount } from '../authn/impersonation/names.ts';
import {
  type Attributes,
  type Authorizer,
  forbiddenError,
  type SettledAuthorizer,
  withDecisions,
} from '../authz/authorizer.ts';
import { same } from '../registry/same.ts';
import { deviceKey } from '../registry/strategies/deallocated-devices.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { type AdmissionPlugin, displayName } from './plugin.ts';

const group = 'resource.k8s.io';

const statusOf = (object: AdmissionAttributes['oldObject']): ResourceClaimStatus =>
  (object as unknown as ResourceClaim | undefined)?.status ?? {};

const binding = ({ allocation, reservedFor = [] }: ResourceClaimStatus) => ({ allocation, reservedFor });

const byKey = ({ devices = [] }: ResourceClaimStatus) =>
  new Map<string, AllocatedDeviceStatus>(devices.map((device) => [deviceKey(device), device]));

/** The drivers of whose devices something else is told than before, sorted. */
function driversTold(now: ResourceClaimStatus, before: ResourceClaimStatus): string[] {
  const [after, old] = [byKey(now), byKey(before)];
  const changed = [...new Map([...old, ...after])].filter(([key]) => !same(after.get(key), old.get(key)));
  return [...new Set(changed.map(([, { driver }]) => driver))].sort();
}

/** The node that an allocation is for, where it is for one. */
function nodeOfAllocation({ allocation }: ResourceClaimStatus): string | undefined {
  const [term, ...others] = allocation?.nodeSelector?.nodeSelectorTerms ?? [];
  const [field, ...more] = term?.matchFields ?? [];
  if (!field || others.length + more.length + (term?.matchExpressions?.length ?? 0) > 0) return undefined;
  if (field.key !== 'metadata.name' || field.operator !== 'In' || field.values?.length !== 1) return undefined;
  return field.values[0];
}

const forbidden = (field: string, why: string): StatusCause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
  field,
});

function causes(a: AdmissionAttributes, authorizer: SettledAuthorizer): StatusCause[] {
  const [now, before] = [statusOf(a.object), statusOf(a.oldObject)];
  const { user } = a.context;
  const verb = a.isPatch ? 'patch' : 'update';
  const refused = (part: Pick<Attributes, 'verb' | 'subresource' | 'namespace' | 'name'>): ApiError | undefined => {
    const asked = { isResource: true, path: '', group, version: a.version, resource: a.resource, ...part };
    const { allowed, reason, error } = authorizer.authorize(user, asked);
    return allowed ? undefined : forbiddenError(user, asked, [error, reason].filter(Boolean).join(': '));
  };

  const found: StatusCause[] = [];
  if (!same(binding(now), binding(before))) {
    const refusal = refused({ verb, subresource: 'binding', namespace: '', name: '' });
    const right = `resource="resourceclaims/binding", verb="${verb}" permission`;
    if (refusal)
      found.push(
        forbidden(
          'status.allocation',
          `changing status.allocation or status.reservedFor requires ${right}: ${refusal.message}`,
        ),
      );
  }
  // What is told of devices goes with the allocation.
  if (!now.allocation) return found;
  const node = nodeOfAllocation(now);
  const isThere = node !== undefined && isDns1123Subdomain(node).length === 0 && nodeOfAccount(user) === node;
  const verbs = [...(isThere ? ['associated-node'] : []), 'arbitrary-node'].map((prefix) => `${prefix}:${verb}`);
  for (const driver of driversTold(now, before)) {
    let first: ApiError | undefined;
    const may = verbs.some((verb) => {
      const refusal = refused({ verb, subresource: 'driver', namespace: a.namespace, name: driver });
      first ??= refusal;
      return !refusal;
    });
    const right = `resource="resourceclaims/driver", verb="[${verbs.join(' ')}]" permission`;
    if (!may)
      found.push(forbidden('status.devices', `changing status.devices requires ${right}: ${first?.message ?? ''}`));
  }
  return found;
}

/**
 * Who may write the status of device claims may not write all of it: what is allocated, and to whom, is the right of
 * schedulers, what is told of devices that of their drivers. Upstream: `pkg/registry/resource/utils.go`.
 */
export function deviceStatusRights(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'DeviceStatusRights',
    operations: ['UPDATE'],
    resources: [`${group}/resourceclaims/status`],
    validate(a) {
      const refuse = (found: StatusCause[]): void => {
        if (found.length > 0) throw invalid({ group, kind: a.kind.kind }, displayName(a), found);
      };
      const found = withDecisions(authorizer, (settled) => causes(a, settled));
      return found instanceof Promise ? found.then(refuse) : refuse(found);
    },
  };
}
