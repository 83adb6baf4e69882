import type { LabelSelector } from '../../api/gen/meta-v1.ts';
import type { KubernetesObject, Resource } from '../../api/object.ts';

/** A container of a plan; for what the daemon does itself only `image` and `args` say something. */
export interface PlanContainer {
  image: string;
  command?: string[];
  args?: string[];
  envs?: unknown[];
  envFrom?: unknown[];
  volumes?: unknown[];
  securityContext?: unknown;
}

export interface PlanDrain {
  /** A duration's text, or nanoseconds. */
  timeout?: string | number;
  gracePeriod?: number;
  deleteLocalData?: boolean;
  deleteEmptydirData?: boolean;
  ignoreDaemonSets?: boolean;
  force?: boolean;
  disableEviction?: boolean;
  skipWaitForDeleteTimeout?: number;
  podSelector?: LabelSelector;
}

export interface PlanWindow {
  days?: string[];
  startTime?: string;
  endTime?: string;
  timeZone?: string;
}

export interface PlanSpec {
  concurrency?: number;
  jobActiveDeadlineSecs?: number;
  nodeSelector?: LabelSelector;
  serviceAccountName?: string;
  channel?: string;
  version?: string;
  secrets?: unknown[];
  tolerations?: unknown[];
  exclusive?: boolean;
  window?: PlanWindow;
  prepare?: PlanContainer;
  upgrade?: PlanContainer;
  cordon?: boolean;
  drain?: PlanDrain;
  imagePullSecrets?: unknown[];
  postCompleteDelay?: string;
  priorityClassName?: string;
  customNodeLabels?: Record<string, string>;
}

export interface PlanCondition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  lastUpdateTime?: string;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}

export interface PlanStatus {
  conditions?: PlanCondition[];
  latestVersion?: string;
  latestHash?: string;
  applying?: string[];
}

/** An upgrade of many nodes, as system-upgrade-controller has it. */
export interface Plan extends KubernetesObject {
  spec?: PlanSpec;
  status?: PlanStatus;
}

export const plans: Resource<Plan> = {
  group: 'upgrade.cattle.io',
  version: 'v1',
  resource: 'plans',
  kind: 'Plan',
  namespaced: true,
};

/** The label that says which state of a plan a node has; its value `disabled` keeps the node out of the plan. */
export const planLabel = (name: string): string => `plan.upgrade.cattle.io/${name}`;

const text = { type: 'string' };
const yes = { type: 'boolean' };
const number = { type: 'integer', format: 'int64' };
const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const list = (items: object): object => ({ type: 'array', items });
const selector = {
  type: 'object',
  properties: {
    matchLabels: { type: 'object', additionalProperties: text },
    matchExpressions: list({
      type: 'object',
      required: ['key', 'operator'],
      properties: { key: text, operator: text, values: list(text) },
    }),
  },
};
const container = {
  type: 'object',
  required: ['image'],
  properties: {
    image: text,
    command: list(text),
    args: list(text),
    envs: list(anything),
    envFrom: list(anything),
    volumes: list({
      type: 'object',
      required: ['name', 'source', 'destination'],
      properties: { name: text, source: text, destination: text },
    }),
    securityContext: anything,
  },
};
const days = ['0', 'su', 'sun', 'sunday', '1', 'mo', 'mon', 'monday', '2', 'tu', 'tue', 'tuesday', '3', 'we', 'wed'];
const moreDays = ['wednesday', '4', 'th', 'thu', 'thursday', '5', 'fr', 'fri', 'friday', '6', 'sa', 'sat', 'saturday'];

const schema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['upgrade'],
      properties: {
        concurrency: number,
        jobActiveDeadlineSecs: number,
        nodeSelector: selector,
        serviceAccountName: text,
        channel: text,
        version: text,
        secrets: list({
          type: 'object',
          required: ['name', 'path'],
          properties: { name: text, path: text, ignoreUpdates: yes, defaultMode: number },
        }),
        tolerations: list(anything),
        exclusive: yes,
        window: {
          type: 'object',
          properties: {
            days: { ...list({ ...text, enum: [...days, ...moreDays] }), minItems: 1 },
            startTime: text,
            endTime: text,
            timeZone: text,
          },
        },
        prepare: container,
        upgrade: container,
        cordon: yes,
        drain: {
          type: 'object',
          properties: {
            timeout: { 'x-kubernetes-int-or-string': true },
            gracePeriod: number,
            deleteLocalData: yes,
            deleteEmptydirData: yes,
            ignoreDaemonSets: yes,
            force: yes,
            disableEviction: yes,
            skipWaitForDeleteTimeout: number,
            podSelector: selector,
          },
        },
        imagePullSecrets: list({ type: 'object', properties: { name: text } }),
        postCompleteDelay: text,
        priorityClassName: text,
        customNodeLabels: { type: 'object', additionalProperties: text },
      },
    },
    status: {
      type: 'object',
      properties: {
        conditions: list({
          type: 'object',
          required: ['type', 'status'],
          properties: {
            type: text,
            status: text,
            lastUpdateTime: text,
            lastTransitionTime: text,
            reason: text,
            message: text,
          },
        }),
        latestVersion: text,
        latestHash: text,
        applying: list(text),
      },
    },
  },
};

const column = (name: string, jsonPath: string, priority?: number) => ({
  name,
  type: 'string',
  jsonPath,
  ...(priority === undefined ? {} : { priority }),
});

export const planDefinition = {
  metadata: { name: 'plans.upgrade.cattle.io' },
  spec: {
    group: plans.group,
    scope: 'Namespaced' as const,
    names: { plural: 'plans', singular: 'plan', kind: 'Plan', listKind: 'PlanList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
        additionalPrinterColumns: [
          column('Image', '.spec.upgrade.image'),
          column('Channel', '.spec.channel'),
          column('Version', '.spec.version'),
          column('Complete', ".status.conditions[?(@.type=='Complete')].status"),
          column('Message', ".status.conditions[?(@.message!='')].message"),
          column('Applying', '.status.applying', 10),
        ],
      },
    ],
  },
};
