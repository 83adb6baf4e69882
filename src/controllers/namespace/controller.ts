import type { Namespace } from '../../api/gen/core-v1.ts';
import { namespaces, pods } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { discover } from '../runtime/discovery.ts';
import { namespaceConditions } from './conditions.ts';
import { emptyNamespace } from './empty.ts';

const token = 'kubernetes';

const isTerminating = (namespace: Namespace | undefined): namespace is Namespace =>
  namespace?.metadata.deletionTimestamp !== undefined;

/** Empties namespaces that are being deleted, tells what is left, and lets them go. */
export function createNamespaceController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(namespaces);
  const podInformer = informers.informer(pods);
  const committer = createCommitter({ client, resource: namespaces, informer });
  const rounds = new Map<string, number>();

  const finalize = async (namespace: Namespace): Promise<void> => {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((f) => f !== token);
    const object = { ...namespace, spec: { ...namespace.spec, finalizers } };
    try {
      await client.update(namespaces, object, { subresource: 'finalize' });
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  };

  return createController({
    name: 'namespace',
    log: context.log.child('namespace'),
    workers: 10,
    maxBackoffMs: 60_000,
    watches: (queue) => [
      watching(queue, informer, (ns) => (isTerminating(ns) ? ns.metadata.name : undefined)),
      {
        ...watching(queue, podInformer, () => undefined),
        delete(pod) {
          const name = pod.metadata.namespace ?? '';
          if (isTerminating(informer.get(name))) queue.add(name);
        },
      },
    ],
    async reconcile(name, signal) {
      let namespace = informer.get(name);
      if (!isTerminating(namespace) || !(namespace.spec?.finalizers ?? []).includes(token)) {
        rounds.delete(name);
        return undefined;
      }
      if (namespace.status?.phase !== 'Terminating') {
        const status = { ...namespace.status, phase: 'Terminating' };
        namespace = await committer.commitStatus(namespace, { ...namespace, status });
      }
      const findings = await emptyNamespace(client, await discover(client, signal), name);
      const conditions = namespaceConditions(namespace.status?.conditions, findings, now());
      namespace = await committer.commitStatus(namespace, {
        ...namespace,
        status: { ...namespace.status, conditions },
      });
      if (findings.deletionErrors.length > 0) throw new Error(findings.deletionErrors.join('; '));
      if (findings.discoveryFailures.size > 0) throw new Error('not all API groups could be asked what they hold');
      if (findings.remaining.size > 0) {
        // Pods tell when they are gone; the rest is asked again, less and less often.
        const round = (rounds.get(name) ?? 0) + 1;
        rounds.set(name, round);
        return { requeueAfterMs: Math.min(15_000, 250 * 2 ** Math.min(round, 6)) };
      }
      rounds.delete(name);
      await finalize(namespace);
      return undefined;
    },
  });
}
