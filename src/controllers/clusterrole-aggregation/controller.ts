import type { ClusterRole, PolicyRule } from '../../api/gen/rbac-v1.ts';
import { clusterroles } from '../../api/gen/resources.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import type { Component } from '../../base/component.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { sameJson } from '../runtime/merge-diff.ts';

/** The rules of all roles that the selectors choose, by role name, without repetitions. */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] {
  const rules: PolicyRule[] = [];
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const chosen = all
      .filter((r) => r.metadata.name !== role.metadata.name && labelSelectorMatches(selector, r.metadata.labels))
      .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
    for (const rule of chosen.flatMap((r) => r.rules ?? [])) {
      if (!rules.some((known) => sameJson(known, rule))) rules.push(rule);
    }
  }
  return rules;
}

/** Fills in the rules of cluster roles that are made up of others. */
export function createClusterRoleAggregationController(context: ControllerContext): Component {
  const { client, informers } = context;
  const informer = informers.informer(clusterroles);
  const committer = createCommitter({ client, resource: clusterroles, informer });
  return createController({
    name: 'clusterrole-aggregation',
    log: context.log.child('clusterrole-aggregation'),
    watches: (queue) => [
      watching(queue, informer, () =>
        informer
          .list()
          .filter((r) => r.aggregationRule)
          .map((r) => r.metadata.name ?? ''),
      ),
    ],
    async reconcile(name) {
      const role = informer.get(name);
      if (!role?.aggregationRule) return undefined;
      const rules = aggregatedRules(role, informer.list());
      if (!sameJson(rules, role.rules ?? [])) await committer.commit(role, { ...role, rules });
      return undefined;
    },
  });
}
