import { apiservices, customresourcedefinitions } from '../../api/gen/resources.ts';
import { apiVersionOf, type KubernetesObject } from '../../api/object.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import { createInformer, type Informer } from '../../client/informer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { type Discovery, discover, type ServedResource, supports } from '../runtime/discovery.ts';
import { createWorkQueue } from '../runtime/work-queue.ts';
import { createCollector } from './collect.ts';
import { createGraph } from './graph.ts';

const ignored = new Set(['events.', 'events.events.k8s.io']);
const workers = 10;
/** After a definition changes the server takes a moment to serve it. */
const settleMs = 500;
const retryMs = 10_000;

/** Whether a definition or extension API has come into force. */
function isServed(object: KubernetesObject): boolean {
  const { status } = object as { status?: { conditions?: { type: string; status: string }[] | null } };
  return (status?.conditions ?? []).some(
    (c) => (c.type === 'Established' || c.type === 'Available') && c.status === 'True',
  );
}

/** Only what the graph needs is kept of each object. */
function graphed(object: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion, ownerReferences, finalizers, deletionTimestamp } = object.metadata;
  return { metadata: { name, namespace, uid, resourceVersion, ownerReferences, finalizers, deletionTimestamp } };
}

/** Deletes what has lost its last owner, over all resources that are served, custom ones as they come and go. */
export function createGarbageCollector(context: ControllerContext): Component {
  const { client, informers } = context;
  const log = context.log.child('garbage-collector');
  const recorder = context.recorder('garbage-collector-controller');
  const lifetime = new AbortController();
  const watched = new Map<string, { resource: ServedResource; informer: Informer<KubernetesObject> }>();
  const queue = createWorkQueue({ maxBackoffMs: 60_000 });
  const removers: (() => void)[] = [];
  const loops: Promise<void>[] = [];
  let known: Discovery = { resources: [], failures: new Map() };
  let timer: NodeJS.Timeout | undefined;
  let refreshing: Promise<void> = Promise.resolve();

  const graph = createGraph({
    check: (item) => queue.add(`check ${item.uid}`),
    release: (item) => queue.add(`release ${item.uid}`),
  });

  const collector = createCollector({
    client,
    graph,
    resourceOf: ({ apiVersion, kind }) => {
      const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
      return known.resources.find((r) => r.group === group && r.kind === kind);
    },
    check: (item) => queue.add(`check ${item.uid}`),
    invalid(item, reference) {
      const { resource, meta } = item;
      if (!resource || !meta) return;
      const about = {
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        name: meta.name,
        namespace: meta.namespace,
        uid: meta.uid,
      };
      const { apiVersion, kind, name, uid } = reference;
      const owner = `[${apiVersion}/${kind}, namespace: ${meta.namespace ?? ''}, name: ${name}, uid: ${uid}]`;
      const message = `ownerRef ${owner} does not exist in namespace "${meta.namespace ?? ''}"`;
      recorder.event(about, 'Warning', 'OwnerRefInvalidNamespace', message);
    },
  });

  const watch = (key: string, resource: ServedResource): Promise<void> => {
    const informer = createInformer<KubernetesObject>({
      client,
      resource,
      log,
      metadataOnly: true,
      transform: graphed,
    });
    informer.addHandler({
      add: (object) => graph.set(resource, object),
      update: (object) => graph.set(resource, object),
      delete: (object) => graph.remove(object.metadata.uid ?? ''),
    });
    watched.set(key, { resource, informer });
    informer.start();
    return informer.synced;
  };

  const refresh = async (): Promise<void> => {
    known = await discover(client, lifetime.signal);
    const wanted = new Map(
      known.resources
        .filter((r) => supports(r, 'list', 'watch', 'delete', 'patch') && !ignored.has(`${r.resource}.${r.group}`))
        .map((r) => [`${apiVersionOf(r)} ${r.resource}`, r]),
    );
    for (const [key, { resource, informer }] of watched) {
      if (wanted.has(key) || known.failures.has(apiVersionOf(resource))) continue;
      watched.delete(key);
      await informer.stop();
      for (const object of informer.list()) graph.remove(object.metadata.uid ?? '');
    }
    const added = [...wanted].filter(([key]) => !watched.has(key)).map(([key, resource]) => watch(key, resource));
    await Promise.all(added.map((synced) => synced.catch(() => {})));
    if (known.failures.size > 0) later(retryMs);
  };

  const later = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      refreshing = refreshing.then(refresh).catch((error: unknown) => {
        if (lifetime.signal.aborted) return;
        log.warn('the served resources could not be listed', { error: messageOf(error) });
        later(retryMs);
      });
    }, ms);
  };

  const work = async (): Promise<void> => {
    for (;;) {
      const key = await queue.take();
      if (key === undefined) return;
      const [task, uid = ''] = key.split(' ');
      try {
        const item = graph.get(uid);
        if (item) await (task === 'release' ? collector.release(item) : collector.check(item));
        queue.forget(key);
      } catch (error) {
        if (lifetime.signal.aborted) return;
        if (!isApiError(error, 'Conflict')) log.debug('tried again', { key, error: messageOf(error) });
        queue.addRateLimited(key);
      } finally {
        queue.done(key);
      }
    }
  };

  return {
    name: 'garbage-collector',
    async start() {
      // No object is judged before all possible owners are known.
      await refresh();
      for (let i = 0; i < workers; i++) loops.push(work());
      const changed = {
        add: () => later(settleMs),
        update(object: KubernetesObject, old: KubernetesObject) {
          const same = object.metadata.generation === old.metadata.generation;
          if (!same || isServed(object) !== isServed(old)) later(settleMs);
        },
        delete: () => later(settleMs),
      };
      const definitions = informers.informer(customresourcedefinitions);
      const services = informers.informer(apiservices);
      await Promise.all([definitions.synced, services.synced]);
      removers.push(definitions.addHandler(changed), services.addHandler(changed));
      clearTimeout(timer);
    },
    async stop() {
      lifetime.abort();
      clearTimeout(timer);
      for (const remove of removers.splice(0)) remove();
      queue.close();
      await refreshing;
      await Promise.all([...loops, ...[...watched.values()].map(({ informer }) => informer.stop())]);
    },
  };
}
