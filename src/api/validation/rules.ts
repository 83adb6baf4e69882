import { isDns1123Label, isDns1123Subdomain, isPathSegment } from '../names.ts';
import { type GroupVersionKind, schemaOf } from '../schema.ts';
import {
  validateAdmissionPolicy,
  validateMutatingBinding,
  validateMutatingPolicy,
  validatePolicyBinding,
  validatePolicyStatus,
} from './admission-policies.ts';
import { validateAutoscaler, validateAutoscalerStatus } from './autoscaling.ts';
import { validateCronJob, validateJob } from './batch.ts';
import { validateClaim, validateClaimStatus } from './claims.ts';
import {
  apiServiceNames,
  isIpName,
  validateApiService,
  validateApiServiceStatus,
  validateIpAddress,
  validateServiceCidr,
  validateSigningRequest,
} from './cluster.ts';
import {
  validateConfigMap,
  validateEvent,
  validateLimitRange,
  validateNamespace,
  validateNamespaceEnd,
  validateNamespaceStatus,
  validateSecret,
} from './core.ts';
import { definitionNames, validateDefinition, validateDefinitionStatus } from './definitions.ts';
import { validateResourceClaimStatus } from './device-allocations.ts';
import { validateDeviceClass, validateResourceClaim, validateResourceClaimTemplate } from './device-claims.ts';
import { validateResourceSlice } from './device-slices.ts';
import { validateEndpointSlice } from './endpoint-slices.ts';
import { validateConditionTypes, validateFlowSchema, validatePriorityLevel } from './flow-control.ts';
import { validateJobStatus } from './job-status.ts';
import type { NameRule } from './metadata.ts';
import { validateIngress, validateIngressClass, validateNetworkPolicy } from './networking.ts';
import { validateNode, validateNodeChange, validateNodeUpdate } from './nodes.ts';
import { validatePodCreate } from './pod.ts';
import { validatePodStatus } from './pod-status.ts';
import { validateEphemeralUpdate, validatePodUpdate, validateResize } from './pod-update.ts';
import {
  validateBinding,
  validateBudgetStatus,
  validateClusterRole,
  validateDisruptionBudget,
  validateLease,
  validatePriorityClass,
  validateRole,
  validateRuntimeClass,
  validateStorageClass,
} from './policy.ts';
import type { Problems } from './problems.ts';
import { validateQuotaStatus, validateResourceQuota } from './quota.ts';
import { validateEndpoints, validateIngressStatus, validateService, validateServiceStatus } from './service.ts';
import { validateApproval, validateRequestStatus } from './signing-requests.ts';
import {
  validateAttachment,
  validateAttachmentStatus,
  validateAttributesClass,
  validateDriver,
  validateDriverNode,
  validatePersistentVolume,
  validateStorageCapacity,
  validateVolumeUpdate,
} from './storage.ts';
import { validateWebhooks } from './webhooks.ts';
import {
  validateDaemonSetStatus,
  validateDeploymentStatus,
  validateReplicaStatus,
  validateStatefulSetStatus,
} from './workload-status.ts';
import {
  validateControllerRevision,
  validateDaemonSet,
  validateDeployment,
  validatePodTemplateObject,
  validateReplicaSet,
  validateReplicationController,
  validateStatefulSet,
} from './workloads.ts';

/** Checks one object; `old` when it is a change. */
export type Check = (problems: Problems, object: never, old: never) => void;

export interface KindRules {
  name: NameRule;
  prefix?: NameRule;
  knownFinalizers: boolean;
  /** Where what it may be called depends on the rest of it; stands for `name` and `prefix`. */
  namesOf?: (object: never) => NameRule;
  create?: Check;
  /** Default: `create`. */
  update?: Check;
  status?: Check;
  /** What is asked of writes by way of other subresources. */
  subresources?: Readonly<Record<string, Check>>;
}

const named = (name: NameRule, rules: Partial<KindRules> = {}): KindRules => ({
  name,
  knownFinalizers: true,
  ...rules,
});
const subdomain = (create?: Check, rules: Partial<KindRules> = {}): KindRules =>
  named(isDns1123Subdomain, { ...(create ? { create } : {}), ...rules });
const anyPath = (create?: Check, rules: Partial<KindRules> = {}): KindRules =>
  named(isPathSegment, { prefix: isPathSegment, ...(create ? { create } : {}), ...rules });

/** Kinds whose names upstream declares to be of a format: said of the name alone, and in bytes. */
const longName = (create: Check, rules: Partial<KindRules> = {}): KindRules =>
  named(
    (name) => isDns1123Subdomain(name).map((m) => m.replace('characters', 'bytes').replace(/^a lower.*/, () => m)),
    {
      prefix: () => [],
      create,
      ...rules,
    },
  );

/** Kinds whose finalizers upstream looks at as grammar only. */
const anyFinalizers = { knownFinalizers: false };

const kinds: Readonly<Record<string, KindRules>> = {
  '/Pod': subdomain(validatePodCreate, {
    update: validatePodUpdate,
    status: validatePodStatus,
    subresources: { resize: validateResize, ephemeralcontainers: validateEphemeralUpdate },
  }),
  '/PodTemplate': subdomain(validatePodTemplateObject),
  '/ReplicationController': longName(validateReplicationController, { status: validateReplicaStatus }),
  'apps/ControllerRevision': subdomain(validateControllerRevision),
  'apps/DaemonSet': subdomain(validateDaemonSet, { status: validateDaemonSetStatus }),
  'apps/Deployment': subdomain(validateDeployment, { status: validateDeploymentStatus }),
  'apps/ReplicaSet': subdomain(validateReplicaSet, { status: validateReplicaStatus }),
  'apps/StatefulSet': named(isDns1123Label, { create: validateStatefulSet, status: validateStatefulSetStatus }),
  'batch/CronJob': subdomain(validateCronJob),
  'batch/Job': subdomain(validateJob, { status: validateJobStatus }),
  '/ConfigMap': subdomain(validateConfigMap),
  '/Endpoints': subdomain(validateEndpoints),
  '/Event': named(isPathSegment, { prefix: isPathSegment, create: validateEvent, knownFinalizers: false }),
  '/LimitRange': subdomain(validateLimitRange),
  '/Namespace': named(isDns1123Label, {
    create: validateNamespace,
    status: validateNamespaceStatus,
    subresources: { finalize: validateNamespaceEnd },
  }),
  '/Node': subdomain(validateNode, { update: validateNodeUpdate, status: validateNodeChange }),
  '/PersistentVolumeClaim': subdomain(validateClaim, { status: validateClaimStatus }),
  '/ResourceQuota': subdomain(validateResourceQuota, { status: validateQuotaStatus }),
  '/Secret': subdomain(validateSecret),
  '/Service': named(isDns1123Label, { create: validateService, status: validateServiceStatus }),
  '/PersistentVolume': subdomain(validatePersistentVolume, { update: validateVolumeUpdate }),
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': subdomain(validateMutatingPolicy, anyFinalizers),
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': subdomain(validateMutatingBinding, anyFinalizers),
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': subdomain(validateWebhooks, anyFinalizers),
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': subdomain(validateAdmissionPolicy, {
    ...anyFinalizers,
    status: validatePolicyStatus,
  }),
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': subdomain(validatePolicyBinding, anyFinalizers),
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': subdomain(validateWebhooks, anyFinalizers),
  'apiextensions.k8s.io/CustomResourceDefinition': named(isDns1123Subdomain, {
    create: validateDefinition,
    status: validateDefinitionStatus,
    knownFinalizers: false,
    namesOf: definitionNames,
  }),
  'apiregistration.k8s.io/APIService': anyPath(validateApiService, {
    status: validateApiServiceStatus,
    knownFinalizers: false,
    namesOf: apiServiceNames,
  }),
  'autoscaling/HorizontalPodAutoscaler': subdomain(validateAutoscaler, { status: validateAutoscalerStatus }),
  'certificates.k8s.io/CertificateSigningRequest': named(isPathSegment, {
    create: validateSigningRequest,
    status: validateRequestStatus,
    subresources: { approval: validateApproval },
  }),
  'coordination.k8s.io/Lease': subdomain(validateLease, anyFinalizers),
  'discovery.k8s.io/EndpointSlice': subdomain(validateEndpointSlice),
  'flowcontrol.apiserver.k8s.io/FlowSchema': subdomain(validateFlowSchema, { status: validateConditionTypes }),
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': subdomain(validatePriorityLevel, {
    status: validateConditionTypes,
  }),
  'networking.k8s.io/IPAddress': named(isIpName, { prefix: isIpName, create: validateIpAddress }),
  'networking.k8s.io/ServiceCIDR': subdomain(validateServiceCidr),
  'networking.k8s.io/Ingress': subdomain(validateIngress, { status: validateIngressStatus }),
  'networking.k8s.io/IngressClass': subdomain(validateIngressClass),
  'networking.k8s.io/NetworkPolicy': subdomain(validateNetworkPolicy),
  'node.k8s.io/RuntimeClass': subdomain(validateRuntimeClass, anyFinalizers),
  'policy/PodDisruptionBudget': anyPath(validateDisruptionBudget, {
    ...anyFinalizers,
    status: validateBudgetStatus,
  }),
  'rbac.authorization.k8s.io/ClusterRole': anyPath(validateClusterRole),
  'rbac.authorization.k8s.io/ClusterRoleBinding': anyPath(validateBinding(false)),
  'rbac.authorization.k8s.io/Role': anyPath(validateRole),
  'rbac.authorization.k8s.io/RoleBinding': anyPath(validateBinding(true)),
  'resource.k8s.io/DeviceClass': longName(validateDeviceClass),
  'resource.k8s.io/ResourceClaim': subdomain(validateResourceClaim, { status: validateResourceClaimStatus }),
  'resource.k8s.io/ResourceClaimTemplate': subdomain(validateResourceClaimTemplate),
  'resource.k8s.io/ResourceSlice': subdomain(validateResourceSlice),
  'scheduling.k8s.io/PriorityClass': subdomain(validatePriorityClass),
  'storage.k8s.io/CSIDriver': subdomain(validateDriver),
  'storage.k8s.io/CSINode': subdomain(validateDriverNode),
  'storage.k8s.io/CSIStorageCapacity': subdomain(validateStorageCapacity),
  'storage.k8s.io/VolumeAttachment': subdomain(validateAttachment, { status: validateAttachmentStatus }),
  'storage.k8s.io/VolumeAttributesClass': subdomain(validateAttributesClass),
  'storage.k8s.io/StorageClass': subdomain(validateStorageClass),
};

const standard = subdomain();

/** Custom resources and their definitions may have finalizers without a domain. */
const customKind = subdomain(undefined, { knownFinalizers: false });

export const rulesOf = (gvk: GroupVersionKind): KindRules =>
  kinds[`${gvk.group}/${gvk.kind}`] ??
  (gvk.group === 'apiextensions.k8s.io' || schemaOf(gvk) === undefined ? customKind : standard);
