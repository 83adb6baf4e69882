import { apiVersionOf, type KubernetesList, type KubernetesObject, resourcePath } from '../../api/object.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { createInformer, type Informer } from '../../client/informer.ts';
import { type Discovery, discover, type ServedResource, supports } from '../runtime/discovery.ts';

/** The resource that a quota's name counts the objects of: `count/deployments.apps`, `secrets`. */
export function countedBy(name: string): { resource: string; group: string } {
  const [resource = '', ...group] = name.replace(/^count\//, '').split('.');
  return { resource, group: group.join('.') };
}

/** Resources of which quotas limit nothing but the number. */
export interface CountedResources {
  /** The number of objects behind one of a quota's names; undefined when no such resource is served. */
  count(name: string, namespace: string): Promise<number | undefined>;
  /** Watches exactly the resources behind these names. */
  follow(names: ReadonlySet<string>): void;
  stop(): Promise<void>;
}

/** Only the name is kept: what matters is that something went. */
const nameOnly = ({ metadata }: KubernetesObject): KubernetesObject => ({
  metadata: { name: metadata.name, namespace: metadata.namespace, resourceVersion: metadata.resourceVersion },
});

/** `onGone` is told the namespace of every object of a followed resource that was deleted. */
export function createCountedResources(options: {
  client: Client;
  log: Logger;
  onGone(namespace: string): void;
}): CountedResources {
  const { client, log, onGone } = options;
  const informers = new Map<string, Informer<KubernetesObject>>();
  const resources = new Map<string, ServedResource>();
  let discovering: Promise<Discovery> | undefined;

  const resourceOf = async (name: string): Promise<ServedResource | undefined> => {
    const known = resources.get(name);
    if (known) return known;
    discovering ??= discover(client).finally(() => {
      discovering = undefined;
    });
    const { resource, group } = countedBy(name);
    const found = (await discovering).resources.find((r) => r.resource === resource && r.group === group);
    if (found?.namespaced !== true || !supports(found, 'list')) return undefined;
    resources.set(name, found);
    return found;
  };

  const watch = (name: string, resource: ServedResource): void => {
    if (informers.has(name) || !supports(resource, 'watch')) return;
    const informer = createInformer<KubernetesObject>({
      client,
      resource,
      log,
      metadataOnly: true,
      transform: nameOnly,
    });
    informer.addHandler({ delete: ({ metadata }) => metadata.namespace && onGone(metadata.namespace) });
    informers.set(name, informer);
    informer.start();
    log.debug('counts objects', { resource: `${apiVersionOf(resource)} ${resource.resource}` });
  };

  return {
    async count(name, namespace) {
      const resource = await resourceOf(name);
      if (!resource) return undefined;
      watch(name, resource);
      const request = { method: 'GET', path: resourcePath(resource, { namespace }), query: { limit: '1' } };
      const { items, metadata } = (await client.raw(request)) as KubernetesList<KubernetesObject>;
      return items.length + Number(metadata.remainingItemCount ?? 0);
    },
    follow(names) {
      for (const [name, informer] of informers) {
        if (names.has(name)) continue;
        informers.delete(name);
        resources.delete(name);
        void informer.stop();
      }
    },
    async stop() {
      await Promise.all([...informers.values()].map((informer) => informer.stop()));
    },
  };
}
