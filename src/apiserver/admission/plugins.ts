import type { Logger } from '../../base/log.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { RbacAuthorizer } from '../authz/rbac.ts';
import type { AdmissionMetrics } from '../metrics/admission.ts';
import type { PodSecurityMetrics } from '../metrics/pod-security.ts';
import type { Dialer } from '../server.ts';
import { certificatePlugins } from './certificates.ts';
import { claimResize } from './claim-resize.ts';
import { defaultIngressClass, defaultStorageClass } from './default-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { deviceAdminAccess } from './device-admin-access.ts';
import { deviceStatusRights } from './device-status-rights.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeDeclaredFeatures } from './node-features.ts';
import { nodeRestriction } from './node-restriction/node-restriction.ts';
import { taintNodesByCondition } from './node-taint.ts';
import { optionalPlugins } from './optional.ts';
import type { AdmissionContext, AdmissionPlugin } from './plugin.ts';
import { podResize } from './pod-resize.ts';
import { podSecurity } from './pod-security/pod-security.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { mutatingPolicies } from './policy/mutating.ts';
import { validatingPolicies } from './policy/validating.ts';
import { priority } from './priority.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { resourceQuota } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import type { AdmissionSettings } from './settings.ts';
import { storageObjectInUseProtection } from './storage-protection.ts';
import { webhookPlugins } from './webhook/webhooks.ts';

export interface PluginOptions {
  context: AdmissionContext;
  authorizer: Authorizer;
  rbac: RbacAuthorizer;
  dial: Dialer;
  settings: AdmissionSettings | undefined;
  metrics?: AdmissionMetrics | undefined;
  podSecurity?: PodSecurityMetrics | undefined;
  log: Logger;
}

/** What makes objects whole, whatever is left out. */
const needed = new Set(['RBACEscalation', 'DeviceAdminAccess', 'DeviceStatusRights']);

/** Every plug-in, in the order in which upstream asks them. */
export function admissionPlugins(options: PluginOptions): AdmissionPlugin[] {
  const { context, authorizer, rbac, dial, log, metrics, settings = {} } = options;
  const without = new Set(settings.without?.filter((name) => !needed.has(name)));
  const all = [
    namespaceLifecycle(context),
    limitRanger(context),
    serviceAccount(context),
    nodeRestriction(context, authorizer),
    podSecurity({ context, settings: settings.podSecurity, metrics: options.podSecurity }),
    taintNodesByCondition,
    priority(context),
    defaultTolerationSeconds(settings.tolerationSeconds),
    defaultStorageClass(context),
    storageObjectInUseProtection,
    claimResize(context),
    runtimeClass(context),
    ...certificatePlugins(authorizer),
    defaultIngressClass(context),
    ...optionalPlugins.filter(({ name }) => settings.with?.includes(name)),
    // ClusterTrustBundleAttest, PodGroupProtection, PodGroupWorkloadExists and JobValidation are about kinds that 1.36
    // serves only behind feature gates that are off.
    podTopologyLabels(context),
    nodeDeclaredFeatures(context),
    podResize(context),
    mutatingPolicies({ context, authorizer, metrics }),
    validatingPolicies({ context, authorizer, metrics }),
    ...webhookPlugins({ context, authorizer, dial, metrics, log }),
    resourceQuota(context, settings.limitedResources),
    deviceAdminAccess(context),
    deviceStatusRights(authorizer),
    rbacEscalation(authorizer, rbac),
  ];
  return all.filter(({ name }) => !without.has(name));
}
