import type { NodeSelectorTerm } from '../gen/core-v1.ts';
import type { LabelSelector } from '../gen/meta-v1.ts';
import { isLabelValue } from '../names.ts';

/** Labels of nodes that have been replaced, with what is said of them. */
const deprecated: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};

export const labelWarning = (key: string): string | undefined => deprecated[key];

/** Of the keys of a map of labels: `path[key]: …`, or without the key. */
export const keyWarnings = (
  path: string,
  labels: Readonly<Record<string, string>> | undefined,
  withKey = true,
): string[] =>
  Object.keys(labels ?? {}).flatMap((key) =>
    deprecated[key] ? [`${withKey ? `${path}[${key}]` : path}: ${deprecated[key]}`] : [],
  );

/** `values`: labels that no node can have are told too. */
export const termWarnings = (path: string, { matchExpressions = [] }: NodeSelectorTerm, values: boolean): string[] =>
  matchExpressions.flatMap(({ key, values: given = [] }, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    return [
      ...(deprecated[key] ? [`${at}.key: ${key} is ${deprecated[key]}`] : []),
      ...(values
        ? given.flatMap((value, j) =>
            isLabelValue(value).map((why) => `${at}.values[${j}]: ${value} is invalid, ${why}`),
          )
        : []),
    ];
  });

export const selectorWarnings = (path: string, selector: LabelSelector | undefined): string[] => [
  ...(selector?.matchExpressions ?? []).flatMap(({ key }, i) =>
    deprecated[key] ? [`${path}.matchExpressions[${i}].key: ${key} is ${deprecated[key]}`] : [],
  ),
  ...Object.keys(selector?.matchLabels ?? {}).flatMap((key) =>
    deprecated[key] ? [`${path}.matchLabels.${key}: ${deprecated[key]}`] : [],
  ),
];
