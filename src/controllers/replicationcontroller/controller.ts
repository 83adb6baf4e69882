import { replicationcontrollers } from '../../api/gen/resources.ts';
import type { Component } from '../../base/component.ts';
import { createReplicasController } from '../replicaset/controller.ts';
import type { ControllerContext } from '../runtime/context.ts';

export function createReplicationControllerController(context: ControllerContext): Component {
  return createReplicasController(context, {
    name: 'replicationcontroller',
    component: 'replication-controller',
    resource: replicationcontrollers,
    selector: (rc) => (rc.spec?.selector ? { matchLabels: rc.spec.selector } : undefined),
    reportsTerminating: false,
  });
}
