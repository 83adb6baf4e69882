import type { Component } from '../base/component.ts';
import { createDeploymentController } from './deployment/controller.ts';
import { createEndpointsController } from './endpoints/controller.ts';
import { createEndpointSliceController } from './endpointslice/controller.ts';
import { createNodeIpamController } from './node-ipam/controller.ts';
import { createReplicaSetController } from './replicaset/controller.ts';
import { createReplicationControllerController } from './replicationcontroller/controller.ts';
import { createRootCaController } from './root-ca/controller.ts';
import type { ControllerContext } from './runtime/context.ts';
import { createServiceAccountController } from './serviceaccount/controller.ts';

/** Every controller of a server, by the name under which it can be left out. */
export const controllers: Readonly<Record<string, (context: ControllerContext) => Component>> = {
  deployment: createDeploymentController,
  endpoints: createEndpointsController,
  endpointslice: createEndpointSliceController,
  'node-ipam': createNodeIpamController,
  replicaset: createReplicaSetController,
  replicationcontroller: createReplicationControllerController,
  'root-ca': createRootCaController,
  serviceaccount: createServiceAccountController,
};
