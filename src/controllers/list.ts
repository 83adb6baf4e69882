import type { Component } from '../base/component.ts';
import { createAttachDetachController } from './attach-detach/controller.ts';
import { createBootstrapTokenController } from './bootstrap-tokens/controller.ts';
import { createClusterRoleAggregationController } from './clusterrole-aggregation/controller.ts';
import { createCronJobController } from './cronjob/controller.ts';
import { createCsrController } from './csr/controller.ts';
import { createDaemonSetController } from './daemonset/controller.ts';
import { createDeploymentController } from './deployment/controller.ts';
import { createDisruptionController } from './disruption/controller.ts';
import { createEndpointsController } from './endpoints/controller.ts';
import { createEndpointSliceController } from './endpointslice/controller.ts';
import { createEndpointSliceMirroringController } from './endpointslice-mirroring/controller.ts';
import { createEphemeralVolumeController } from './ephemeral-volume/controller.ts';
import { createGarbageCollector } from './garbage-collector/controller.ts';
import { createHorizontalPodAutoscaler } from './horizontal-pod-autoscaler/controller.ts';
import { createJobController } from './job/controller.ts';
import { createLegacyTokenCleaner } from './legacy-token-cleaner/controller.ts';
import { createNamespaceController } from './namespace/controller.ts';
import { createNodeIpamController } from './node-ipam/controller.ts';
import { createNodeLifecycleController } from './node-lifecycle/controller.ts';
import { createPodGcController } from './pod-gc/controller.ts';
import { createReplicaSetController } from './replicaset/controller.ts';
import { createReplicationControllerController } from './replicationcontroller/controller.ts';
import { createResourceQuotaController } from './resource-quota/controller.ts';
import { createRootCaController } from './root-ca/controller.ts';
import type { ControllerContext } from './runtime/context.ts';
import { createServiceAccountTokenController } from './service-account-tokens/controller.ts';
import { createServiceCidrController } from './service-cidr/controller.ts';
import { createServiceAccountController } from './serviceaccount/controller.ts';
import { createStatefulSetController } from './statefulset/controller.ts';
import { createPvcProtectionController, createPvProtectionController } from './storage-protection/controller.ts';
import { createTaintEvictionController } from './taint-eviction/controller.ts';
import { createTtlController } from './ttl/controller.ts';
import { createTtlAfterFinishedController } from './ttl-after-finished/controller.ts';
import { createVacProtectionController } from './vac-protection/controller.ts';
import { createPolicyStatusController } from './validatingadmissionpolicy-status/controller.ts';
import { createVolumeBinderController } from './volume-binder/controller.ts';

/** Every controller of a server, by the name under which it can be left out. */
export const controllers: Readonly<Record<string, (context: ControllerContext) => Component>> = {
  'attach-detach': createAttachDetachController,
  'bootstrap-tokens': createBootstrapTokenController,
  'clusterrole-aggregation': createClusterRoleAggregationController,
  cronjob: createCronJobController,
  csr: createCsrController,
  daemonset: createDaemonSetController,
  deployment: createDeploymentController,
  disruption: createDisruptionController,
  endpoints: createEndpointsController,
  endpointslice: createEndpointSliceController,
  'endpointslice-mirroring': createEndpointSliceMirroringController,
  'ephemeral-volume': createEphemeralVolumeController,
  'garbage-collector': createGarbageCollector,
  'horizontal-pod-autoscaler': createHorizontalPodAutoscaler,
  job: createJobController,
  'legacy-serviceaccount-token-cleaner': createLegacyTokenCleaner,
  namespace: createNamespaceController,
  'node-ipam': createNodeIpamController,
  'node-lifecycle': createNodeLifecycleController,
  'pod-gc': createPodGcController,
  'pv-protection': createPvProtectionController,
  'pvc-protection': createPvcProtectionController,
  replicaset: createReplicaSetController,
  replicationcontroller: createReplicationControllerController,
  'resource-quota': createResourceQuotaController,
  'root-ca': createRootCaController,
  'service-account-tokens': createServiceAccountTokenController,
  'service-cidr': createServiceCidrController,
  serviceaccount: createServiceAccountController,
  statefulset: createStatefulSetController,
  'taint-eviction': createTaintEvictionController,
  ttl: createTtlController,
  'ttl-after-finished': createTtlAfterFinishedController,
  'vac-protection': createVacProtectionController,
  'validatingadmissionpolicy-status': createPolicyStatusController,
  'volume-binder': createVolumeBinderController,
};
