import type { Logger } from '../../base/log.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { RbacAuthorizer } from '../authz/rbac.ts';
import type { Dialer } from '../server.ts';
import { certificatePlugins } from './certificates.ts';
import { claimResize } from './claim-resize.ts';
import { defaultIngressClass, defaultStorageClass } from './default-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { taintNodesByCondition } from './node-taint.ts';
import type { AdmissionContext, AdmissionPlugin } from './plugin.ts';
import { podSecurity } from './pod-security/pod-security.ts';
import { mutatingPolicies } from './policy/mutating.ts';
import { validatingPolicies } from './policy/validating.ts';
import { priority } from './priority.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { resourceQuota } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { storageObjectInUseProtection } from './storage-protection.ts';
import { webhookPlugins } from './webhook/webhooks.ts';

export interface PluginOptions {
  context: AdmissionContext;
  authorizer: Authorizer;
  rbac: RbacAuthorizer;
  dial: Dialer;
  log: Logger;
}

/** Every plug-in, in the order in which upstream asks them. */
export function admissionPlugins({ context, authorizer, rbac, dial, log }: PluginOptions): AdmissionPlugin[] {
  return [
    namespaceLifecycle(context),
    limitRanger(context),
    serviceAccount(context),
    nodeRestriction(context),
    podSecurity(context),
    taintNodesByCondition,
    priority(context),
    defaultTolerationSeconds,
    defaultStorageClass(context),
    storageObjectInUseProtection,
    claimResize(context),
    runtimeClass(context),
    ...certificatePlugins(authorizer),
    defaultIngressClass(context),
    rbacEscalation(authorizer, rbac),
    mutatingPolicies({ context, authorizer }),
    validatingPolicies({ context, authorizer }),
    ...webhookPlugins({ context, authorizer, dial, log }),
    resourceQuota(context),
  ];
}
