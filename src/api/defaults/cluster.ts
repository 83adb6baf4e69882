import type { CustomResourceDefinition } from '../gen/apiextensions-v1.ts';
import type { IngressClassSpec, NetworkPolicySpec } from '../gen/networking-v1.ts';
import type { ClusterRoleBinding, Subject } from '../gen/rbac-v1.ts';
import type { Device, DeviceSubRequest, DeviceTaint } from '../gen/resource-v1.ts';
import { timeText } from '../literals.ts';
import { absent, inPackage, type Rules, zero } from './rule.ts';

const rbac = 'rbac.authorization.k8s.io';
const webhook = {
  failurePolicy: 'Fail',
  matchPolicy: 'Equivalent',
  namespaceSelector: {},
  objectSelector: {},
  timeoutSeconds: 10,
};

const admissionRules: Rules = {
  ValidatingWebhook: absent(webhook),
  MutatingWebhook: absent({ ...webhook, reinvocationPolicy: 'Never' }),
  RuleWithOperations: absent({ scope: '*' }),
  NamedRuleWithOperations: absent({ scope: '*' }),
  ServiceReference: absent({ port: 443 }),
  ValidatingAdmissionPolicySpec: absent({ failurePolicy: 'Fail' }),
  MutatingAdmissionPolicySpec: absent({ failurePolicy: 'Fail' }),
  MatchResources: absent({ matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} }),
};

function networkPolicy(spec: NetworkPolicySpec): void {
  spec.policyTypes ??= spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
}

function ingressClass(spec: IngressClassSpec): void {
  if (spec.parameters) spec.parameters.scope ??= 'Cluster';
}

function binding(value: ClusterRoleBinding): void {
  value.roleRef.apiGroup ||= rbac;
}

function subject(value: Subject): void {
  if (value.kind === 'User' || value.kind === 'Group') value.apiGroup ??= rbac;
}

function customResourceDefinition(value: CustomResourceDefinition): void {
  const { names } = value.spec;
  names.singular ||= names.kind.toLowerCase();
  if (names.kind) names.listKind ||= `${names.kind}List`;
  value.spec.conversion ??= { strategy: 'None' };
  const stored = value.spec.versions?.find((v) => v.storage)?.name;
  const status = value.status as { storedVersions?: string[] | null } | undefined;
  if (status && !status.storedVersions?.length && stored) status.storedVersions = [stored];
}

function deviceRequest(value: DeviceSubRequest): void {
  value.allocationMode ??= 'ExactCount';
  if (value.allocationMode === 'ExactCount') value.count ??= 1;
}

function deviceTaint(value: DeviceTaint): void {
  value.timeAdded ??= timeText(new Date());
}

function device(
  value: Device & { nodeAllocatableResourceMappings?: Record<string, { allocationMultiplier?: string }> },
): void {
  for (const mapping of Object.values(value.nodeAllocatableResourceMappings ?? {}))
    mapping.allocationMultiplier ??= '1';
}

export const clusterRules: Rules = {
  ...inPackage('io.k8s.api.admissionregistration.v1', admissionRules),
  ...inPackage('io.k8s.api.admissionregistration.v1beta1', admissionRules),
  ...inPackage('io.k8s.api.admissionregistration.v1alpha1', admissionRules),
  ...inPackage('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1', {
    CustomResourceDefinition: customResourceDefinition,
    ServiceReference: absent({ port: 443 }),
  }),
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference': absent({ port: 443 }),
  'io.k8s.api.authentication.v1.TokenRequestSpec': absent({ expirationSeconds: 3600 }),
  'io.k8s.api.discovery.v1.EndpointPort': absent({ name: '', protocol: 'TCP' }),
  ...inPackage('io.k8s.api.flowcontrol.v1', {
    FlowSchemaSpec: zero({ matchingPrecedence: 1000 }),
    ExemptPriorityLevelConfiguration: absent({ nominalConcurrencyShares: 0, lendablePercent: 0 }),
    LimitedPriorityLevelConfiguration: absent({ nominalConcurrencyShares: 30, lendablePercent: 0 }),
    QueuingConfiguration: zero({ handSize: 8, queues: 64, queueLengthLimit: 50 }),
  }),
  ...inPackage('io.k8s.api.networking.v1', {
    NetworkPolicyPort: absent({ protocol: 'TCP' }),
    NetworkPolicySpec: networkPolicy,
    IngressClassSpec: ingressClass,
  }),
  ...inPackage('io.k8s.api.rbac.v1', { ClusterRoleBinding: binding, RoleBinding: binding, Subject: subject }),
  ...inPackage('io.k8s.api.resource.v1', {
    ExactDeviceRequest: deviceRequest,
    DeviceSubRequest: deviceRequest,
    DeviceTaint: deviceTaint,
    Device: device,
  }),
  'io.k8s.api.scheduling.v1.PriorityClass': absent({ preemptionPolicy: 'PreemptLowerPriority' }),
  ...inPackage('io.k8s.api.storage.v1', {
    StorageClass: absent({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
    CSIDriverSpec: absent({
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: ['Persistent'],
      requiresRepublish: false,
      seLinuxMount: false,
    }),
  }),
};
