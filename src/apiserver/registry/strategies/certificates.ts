import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '../../../api/gen/certificates-v1.ts';
import { timestamp } from '../core.ts';
import type { Behaviour } from './map.ts';
import { draftOf, readOf } from './of.ts';

/** Signing requests carry who asked; only `approval` decides, only `status` brings the certificate. */
export const certificateSigningRequests: Behaviour = {
  selectableFields: { 'spec.signerName': ['spec', 'signerName'] },
  strategy: {
    status: true,
    prepareForCreate(object, { user }) {
      const { spec } = draftOf<CertificateSigningRequest>(object);
      if (!spec) return;
      spec.username = user.name;
      if (user.uid) spec.uid = user.uid;
      else delete spec.uid;
      spec.groups = [...user.groups];
      const extra = Object.entries(user.extra ?? {});
      if (extra.length > 0) spec.extra = Object.fromEntries(extra.map(([key, values]) => [key, [...values]]));
      else delete spec.extra;
    },
    prepareForUpdate(object, old, { subresource }) {
      const request = draftOf<CertificateSigningRequest>(object);
      const before = readOf<CertificateSigningRequest>(old);
      request.spec = before.spec;
      const conditions = timed(request.status?.conditions ?? [], before.status?.conditions ?? []);
      if (subresource === 'approval') request.status = { ...before.status, conditions };
      else if (subresource === 'status') {
        request.status = { ...request.status, conditions: decided(conditions, before.status?.conditions ?? []) };
      }
      if (request.status?.conditions?.length === 0) delete request.status.conditions;
    },
  },
};

type Conditions = readonly CertificateSigningRequestCondition[];

function timed(conditions: Conditions, before: Conditions): CertificateSigningRequestCondition[] {
  const now = timestamp();
  return conditions.map((condition) => {
    const known = before.find((c) => c.type === condition.type && c.status === condition.status);
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? known?.lastTransitionTime ?? now,
    };
  });
}

/** Decisions are not the status writer's to alter. */
function decided(conditions: Conditions, before: Conditions): CertificateSigningRequestCondition[] {
  return conditions.map((condition) => {
    if (condition.type !== 'Approved' && condition.type !== 'Denied') return condition;
    return before.find((c) => c.type === condition.type) ?? condition;
  });
}
