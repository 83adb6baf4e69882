import { isDns1035Label, isDns1123Label, isDns1123Subdomain, isPathSegment } from '../names.ts';
import type { GroupVersionKind } from '../schema.ts';
import { validateCronJob, validateJob } from './batch.ts';
import type { NameRule } from './metadata.ts';
import { validatePodCreate, validatePodUpdate } from './pod.ts';
import type { Problems } from './problems.ts';
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
  create?: Check;
  /** Default: `create`. */
  update?: Check;
  status?: Check;
}

const named = (name: NameRule, rules: Partial<KindRules> = {}): KindRules => ({
  name,
  knownFinalizers: true,
  ...rules,
});
const subdomain = (create?: Check, rules: Partial<KindRules> = {}): KindRules =>
  named(isDns1123Subdomain, { ...(create ? { create } : {}), ...rules });
const anyPath = (create?: Check): KindRules =>
  named(isPathSegment, { prefix: isPathSegment, ...(create ? { create } : {}) });

const kinds: Readonly<Record<string, KindRules>> = {
  '/Pod': subdomain(validatePodCreate, { update: validatePodUpdate }),
  '/PodTemplate': subdomain(validatePodTemplateObject),
  '/ReplicationController': subdomain(validateReplicationController),
  'apps/ControllerRevision': subdomain(validateControllerRevision),
  'apps/DaemonSet': subdomain(validateDaemonSet),
  'apps/Deployment': subdomain(validateDeployment),
  'apps/ReplicaSet': subdomain(validateReplicaSet),
  'apps/StatefulSet': named(isDns1123Label, { create: validateStatefulSet }),
  'batch/CronJob': subdomain(validateCronJob),
  'batch/Job': subdomain(validateJob),
  '/Namespace': named(isDns1123Label),
  '/Service': named(isDns1035Label),
  'rbac.authorization.k8s.io/ClusterRole': anyPath(),
  'rbac.authorization.k8s.io/ClusterRoleBinding': anyPath(),
  'rbac.authorization.k8s.io/Role': anyPath(),
  'rbac.authorization.k8s.io/RoleBinding': anyPath(),
  'apiregistration.k8s.io/APIService': anyPath(),
};

const standard = subdomain();

export const rulesOf = (gvk: GroupVersionKind): KindRules => kinds[`${gvk.group}/${gvk.kind}`] ?? standard;
