import { configmaps, namespaces } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { sameJson } from '../runtime/merge-diff.ts';
import { isNamespaceTerminating } from '../runtime/pod-control.ts';

const name = 'kube-root-ca.crt';
const annotations = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
};

/** Every active namespace has the config map by which its pods trust the API server. */
export function createRootCaController(context: ControllerContext): Component {
  const { client, informers, settings } = context;
  const data = { 'ca.crt': settings.rootCa ?? '' };
  const namespaceInformer = informers.informer(namespaces);
  const maps = informers.informer(configmaps, { fieldSelector: `metadata.name=${name}` });
  return createController({
    name: 'root-ca',
    log: context.log.child('root-ca'),
    watches: (queue) => [
      watching(queue, namespaceInformer),
      watching(queue, maps, (map) => (map.metadata.name === name ? map.metadata.namespace : undefined)),
    ],
    async reconcile(namespace) {
      if (settings.rootCa === undefined) return undefined;
      const object = namespaceInformer.get(namespace);
      if (!object || object.metadata.deletionTimestamp) return undefined;
      const known = maps.get(name, namespace);
      if (known && sameJson(known.data, data)) return undefined;
      try {
        const written = known
          ? await client.update(configmaps, {
              ...known,
              data,
              metadata: { ...known.metadata, annotations: { ...known.metadata.annotations, ...annotations } },
            })
          : await client.create(configmaps, { metadata: { name, namespace, annotations }, data });
        maps.observe(written);
      } catch (error) {
        if (!isApiError(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
      }
      return undefined;
    },
  });
}
