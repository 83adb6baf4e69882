import { randomUUID } from 'node:crypto';
import { mutatingPolicyChecks, validatingPolicyChecks } from '../../admission/policy/expression-checks.ts';
import { matchConditionChecks } from '../../admission/webhook/condition-checks.ts';
import { same } from '../same.ts';
import type { ResourceDefinition, Strategy } from '../types.ts';
import { apiServices } from './api-services.ts';
import { certificateSigningRequests } from './certificates.ts';
import { nodes, persistentVolumeClaims, persistentVolumes, secrets, serviceAccounts } from './cluster.ts';
import { customResourceDefinitions } from './custom-resource-definitions.ts';
import { dropDeallocated } from './deallocated-devices.ts';
import { claimSelectors, classSelectors, templateSelectors } from './device-selectors.ts';
import { coreEvents, groupEvents } from './events.ts';
import { jobs } from './jobs.ts';
import { namespaces } from './namespaces.ts';
import { pods } from './pods.ts';
import type { ServiceNetwork } from './service-network.ts';
import { servicesOn } from './services.ts';
import { daemonSets, deployments, replicaSets, replicationControllers, statefulSets } from './workloads.ts';

/** What a resource has of its own besides what discovery says of it. */
export type Behaviour = Partial<
  Pick<ResourceDefinition, 'strategy' | 'selectableFields' | 'volatile' | 'ttlSeconds' | 'storedWith' | 'convert'>
>;

export interface BehaviourOptions {
  services?: ServiceNetwork | undefined;
}

const traits = (strategy: Strategy): Behaviour => ({ strategy });
const createdByPut = traits({ createOnUpdate: true });
const counted = traits({ generation: true });
const answersDeleted = traits({ answerDeleted: true });
const conditional = traits({ unconditionalUpdate: false });
const countedKept = traits({ generation: true, statusKeepsMetadata: true });
const countedConditional = traits({ generation: true, unconditionalUpdate: false });
const systemClasses = new Set(['system-node-critical', 'system-cluster-critical']);
const webhookConfigurations = traits({ generation: true, unconditionalUpdate: false, ...matchConditionChecks });

/** The map: every built-in resource with behaviour of its own, by its name. All others live by the generic flow. */
export function behaviours({ services }: BehaviourOptions): Readonly<Record<string, Behaviour>> {
  return {
    endpoints: createdByPut,
    events: coreEvents,
    limitranges: traits({
      createOnUpdate: true,
      prepareForCreate({ metadata }) {
        metadata.name ||= randomUUID();
      },
    }),
    namespaces,
    nodes,
    persistentvolumeclaims: persistentVolumeClaims,
    persistentvolumes: persistentVolumes,
    pods,
    podtemplates: traits({ generation: true, answerDeleted: true }),
    replicationcontrollers: replicationControllers,
    resourcequotas: answersDeleted,
    secrets,
    serviceaccounts: serviceAccounts,
    services: servicesOn(services),
    'apiservices.apiregistration.k8s.io': apiServices,
    'customresourcedefinitions.apiextensions.k8s.io': customResourceDefinitions,
    'daemonsets.apps': daemonSets,
    'deployments.apps': deployments,
    'replicasets.apps': replicaSets,
    'statefulsets.apps': statefulSets,
    'events.events.k8s.io': groupEvents,
    'cronjobs.batch': counted,
    'jobs.batch': jobs,
    'certificatesigningrequests.certificates.k8s.io': certificateSigningRequests,
    'ingressclasses.networking.k8s.io': counted,
    'ingresses.networking.k8s.io': counted,
    'networkpolicies.networking.k8s.io': counted,
    'poddisruptionbudgets.policy': countedConditional,
    'clusterrolebindings.rbac.authorization.k8s.io': createdByPut,
    'clusterroles.rbac.authorization.k8s.io': createdByPut,
    'rolebindings.rbac.authorization.k8s.io': createdByPut,
    'roles.rbac.authorization.k8s.io': createdByPut,
    'csidrivers.storage.k8s.io': traits({
      unconditionalUpdate: false,
      answerDeleted: true,
      // Changes are counted, and its creation is not.
      prepareForUpdate(driver, old) {
        if (!same(driver.spec, old.spec)) driver.metadata.generation = (old.metadata.generation ?? 0) + 1;
      },
    }),
    'csinodes.storage.k8s.io': traits({ unconditionalUpdate: false, answerDeleted: true }),
    'csistoragecapacities.storage.k8s.io': conditional,
    'storageclasses.storage.k8s.io': answersDeleted,
    // Its name is an address: nothing is added to make one.
    'ipaddresses.networking.k8s.io': traits({ generatedName: (base) => base }),
    'servicecidrs.networking.k8s.io': traits({ statusKeepsMetadata: true }),
    'volumeattachments.storage.k8s.io': traits({
      unconditionalUpdate: false,
      answerDeleted: true,
      statusKeepsMetadata: true,
    }),
    'volumeattributesclasses.storage.k8s.io': answersDeleted,
    'mutatingadmissionpolicies.admissionregistration.k8s.io': traits({
      generation: true,
      unconditionalUpdate: false,
      ...mutatingPolicyChecks,
    }),
    'mutatingadmissionpolicybindings.admissionregistration.k8s.io': countedConditional,
    'mutatingwebhookconfigurations.admissionregistration.k8s.io': webhookConfigurations,
    'validatingadmissionpolicies.admissionregistration.k8s.io': traits({
      generation: true,
      unconditionalUpdate: false,
      statusKeepsMetadata: true,
      ...validatingPolicyChecks,
    }),
    'validatingadmissionpolicybindings.admissionregistration.k8s.io': countedConditional,
    'validatingwebhookconfigurations.admissionregistration.k8s.io': webhookConfigurations,
    'priorityclasses.scheduling.k8s.io': traits({
      // Changes of it are not counted.
      prepareForCreate({ metadata }) {
        metadata.generation = 1;
      },
      deletionForbidden: (name) =>
        systemClasses.has(name) ? 'this is a system priority class and cannot be deleted' : undefined,
    }),
    'leases.coordination.k8s.io': {
      volatile: 'updates',
      strategy: { createOnUpdate: true, unconditionalUpdate: false },
    },
    'runtimeclasses.node.k8s.io': traits({ createOnUpdate: true, unconditionalUpdate: false }),
    'endpointslices.discovery.k8s.io': traits({
      generation: true,
      prepareForUpdate({ metadata }, old) {
        // A change of labels counts too.
        if (!same(metadata.labels ?? {}, old.metadata.labels ?? {}))
          metadata.generation = (old.metadata.generation ?? 0) + 1;
      },
    }),
    'deviceclasses.resource.k8s.io': traits({ generation: true, answerDeleted: true, ...classSelectors }),
    'resourceclaims.resource.k8s.io': traits({
      answerDeleted: true,
      statusKeepsMetadata: true,
      prepareForUpdate: dropDeallocated,
      ...claimSelectors,
    }),
    'resourceclaimtemplates.resource.k8s.io': traits({ answerDeleted: true, ...templateSelectors }),
    'resourceslices.resource.k8s.io': {
      strategy: { generation: true, answerDeleted: true },
      selectableFields: { 'spec.nodeName': ['spec', 'nodeName'], 'spec.driver': ['spec', 'driver'] },
    },
    'flowschemas.flowcontrol.apiserver.k8s.io': countedKept,
    'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': countedKept,
  };
}
