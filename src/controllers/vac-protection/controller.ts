import { persistentvolumeclaims, persistentvolumes, volumeattributesclasses } from '../../api/gen/resources.ts';
import type { Component } from '../../base/component.ts';
import { createCommitter } from '../runtime/committer.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';

const finalizer = 'kubernetes.io/vac-protection';

const present = (...names: (string | undefined)[]): string[] => names.filter((name) => name !== undefined);

/** A class of volume attributes is not gone while a claim or a volume names it. */
export function createVacProtectionController(context: ControllerContext): Component {
  const { client, informers } = context;
  const informer = informers.informer(volumeattributesclasses);
  const claims = informers.informer(persistentvolumeclaims);
  const volumes = informers.informer(persistentvolumes);
  claims.addIndex('attributes class', ({ spec, status }) =>
    present(
      spec?.volumeAttributesClassName,
      status?.currentVolumeAttributesClassName,
      status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
    ),
  );
  volumes.addIndex('attributes class', ({ spec }) => present(spec?.volumeAttributesClassName));
  const committer = createCommitter({ client, resource: volumeattributesclasses, informer });
  const going = (): string[] =>
    informer
      .list()
      .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
      .map(({ metadata }) => metadata.name ?? '');
  return createController({
    name: 'vac-protection',
    log: context.log.child('vac-protection'),
    watches: (queue) => [watching(queue, informer), watching(queue, claims, going), watching(queue, volumes, going)],
    async reconcile(name) {
      const found = informer.get(name);
      if (!found) return undefined;
      const { finalizers = [], deletionTimestamp } = found.metadata;
      const has = finalizers.includes(finalizer);
      const inUse = (): boolean =>
        claims.byIndex('attributes class', name).length > 0 || volumes.byIndex('attributes class', name).length > 0;
      const wanted = deletionTimestamp === undefined || (has && inUse());
      if (wanted === has) return undefined;
      const next = wanted ? [...finalizers, finalizer] : finalizers.filter((one) => one !== finalizer);
      await committer.commit(found, { ...found, metadata: { ...found.metadata, finalizers: next } });
      return undefined;
    },
  });
}
