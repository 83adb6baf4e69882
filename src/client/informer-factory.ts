import { apiVersionOf, type KubernetesObject, type Resource } from '../api/object.ts';
import { type Logger, silent } from '../base/log.ts';
import type { Client } from './client.ts';
import { createInformer, type Informer, type Selection } from './informer.ts';

/** Informers that all parts of one process share: one per resource and selection. */
export interface InformerFactory {
  /** The informer is started when the factory is, or at once when that has happened. */
  informer<T extends KubernetesObject>(resource: Resource<T>, selection?: Selection): Informer<T>;
  start(): void;
  /** Resolves when every informer asked for so far holds its first list. */
  synced(): Promise<void>;
  stop(): Promise<void>;
}

export function createInformerFactory(client: Client, options: { log?: Logger } = {}): InformerFactory {
  const log = options.log ?? silent;
  const informers = new Map<string, Informer<KubernetesObject>>();
  let started = false;

  return {
    informer<T extends KubernetesObject>(resource: Resource<T>, selection: Selection = {}): Informer<T> {
      const { namespace = '', labelSelector = '', fieldSelector = '' } = selection;
      const key = [apiVersionOf(resource), resource.resource, namespace, labelSelector, fieldSelector].join(' ');
      const known = informers.get(key);
      if (known) return known as unknown as Informer<T>;
      const made = createInformer<T>({ client, resource, log, ...selection });
      informers.set(key, made as unknown as Informer<KubernetesObject>);
      if (started) made.start();
      return made;
    },
    start() {
      started = true;
      for (const informer of informers.values()) informer.start();
    },
    async synced() {
      await Promise.all([...informers.values()].map((i) => i.synced));
    },
    async stop() {
      await Promise.all([...informers.values()].map((i) => i.stop()));
    },
  };
}
