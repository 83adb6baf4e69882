import { validatingadmissionpolicies } from '../../api/gen/resources.ts';
import type { Component } from '../../base/component.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';

const name = 'validatingadmissionpolicy-status';

/** Writes into each generation of a policy what the schemas of its kinds have against its expressions. */
export function createPolicyStatusController(context: ControllerContext): Component {
  const { client, informers, settings } = context;
  const { checkPolicy } = settings;
  const informer = informers.informer(validatingadmissionpolicies);
  return createController({
    name,
    log: context.log.child(name),
    watches: (queue) => [watching(queue, informer, ({ metadata }) => [metadata.name ?? ''])],
    async reconcile(key) {
      const policy = informer.get(key);
      if (!policy || !checkPolicy) return undefined;
      const { generation = 0 } = policy.metadata;
      if (generation <= (policy.status?.observedGeneration ?? 0)) return undefined;
      const expressionWarnings = await checkPolicy(policy, client);
      const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {};
      const { group, version, kind } = validatingadmissionpolicies;
      const body = {
        apiVersion: `${group}/${version}`,
        kind,
        metadata: { name: key },
        status: { observedGeneration: generation, typeChecking },
      };
      const options = { subresource: 'status', fieldManager: `${name}-controller` };
      await client.patch(validatingadmissionpolicies, key, { type: 'apply', body, force: true }, options);
      return undefined;
    },
  });
}
