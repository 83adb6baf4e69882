import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Secret,
  ServiceAccount,
} from '../../../api/gen/core-v1.ts';
import { timestamp } from '../core.ts';
import { same } from '../same.ts';
import type { Draft } from '../types.ts';
import type { Behaviour } from './map.ts';
import { draftOf, readOf } from './of.ts';

/** A node without what every sign of life changes. */
function lasting({ metadata, status, ...rest }: Node): object {
  const { resourceVersion: _, managedFields: __, ...meta } = metadata;
  const conditions = status?.conditions?.map(({ lastHeartbeatTime: ___, ...condition }) => condition);
  return { ...rest, metadata: meta, status: { ...status, conditions } };
}

/** A kubelet registers its node together with its status, and reports it every few minutes though nothing changes. */
export const nodes: Behaviour = {
  selectableFields: { 'spec.unschedulable': (node) => String(readOf<Node>(node).spec?.unschedulable ?? false) },
  strategy: {
    status: true,
    statusOnCreate: true,
    isHeartbeat: (node, old) => same(lasting(draftOf<Node>(node)), lasting(readOf<Node>(old))),
  },
};

/** `stringData` is another way to write `data`, and is never kept. */
export const secrets: Behaviour = {
  selectableFields: { type: (secret) => readOf<Secret>(secret).type ?? '' },
  strategy: {
    normalize(object) {
      const secret = draftOf<Secret>(object);
      const texts = Object.entries(secret.stringData ?? {});
      if (texts.length > 0) {
        const added = texts.map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
        secret.data = { ...secret.data, ...Object.fromEntries(added) };
      }
      delete secret.stringData;
    },
  },
};

/** Of secrets, the names alone are kept. */
function keepNames(object: Draft): void {
  const account = draftOf<ServiceAccount>(object);
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}));
}

export const serviceAccounts: Behaviour = {
  strategy: { answerDeleted: true, prepareForCreate: keepNames, prepareForUpdate: keepNames },
};

export const persistentVolumes: Behaviour = {
  strategy: {
    status: true,
    answerDeleted: true,
    prepareForCreate(object) {
      draftOf<PersistentVolume>(object).status = { phase: 'Pending', lastPhaseTransitionTime: timestamp() };
    },
    prepareForUpdate(object, old, { subresource }) {
      if (subresource !== 'status') return;
      const { status } = draftOf<PersistentVolume>(object);
      const before = readOf<PersistentVolume>(old).status;
      if (status && status.phase !== before?.phase) status.lastPhaseTransitionTime ??= timestamp();
      else if (status && before?.lastPhaseTransitionTime) {
        status.lastPhaseTransitionTime ??= before.lastPhaseTransitionTime;
      }
    },
  },
};

type ClaimSpec = NonNullable<PersistentVolumeClaim['spec']>;

/** `dataSource` is the older name of `dataSourceRef`, and takes nothing but claims and snapshots. */
function alignSources(spec: ClaimSpec, old: ClaimSpec | undefined): void {
  const { dataSource, dataSourceRef: given } = spec;
  const had = old?.dataSource ?? old?.dataSourceRef;
  const usual =
    dataSource &&
    ((dataSource.kind === 'PersistentVolumeClaim' && !dataSource.apiGroup) ||
      (dataSource.kind === 'VolumeSnapshot' && dataSource.apiGroup === 'snapshot.storage.k8s.io'));
  if (!had && !given && !usual) delete spec.dataSource;
  // What is in other namespaces is nobody's source: the feature is off.
  if (given?.namespace && !old?.dataSourceRef) delete spec.dataSourceRef;
  const { dataSourceRef } = spec;
  if (spec.dataSource && !dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (dataSourceRef && !spec.dataSource && !dataSourceRef.namespace) {
    const { namespace: _, ...local } = dataSourceRef;
    spec.dataSource = local;
  }
}

export const persistentVolumeClaims: Behaviour = {
  strategy: {
    status: true,
    answerDeleted: true,
    prepareForCreate(object) {
      const claim = draftOf<PersistentVolumeClaim>(object);
      claim.status = { phase: 'Pending' };
      if (claim.spec) alignSources(claim.spec, undefined);
    },
    prepareForUpdate(object, old, { subresource }) {
      const { spec } = draftOf<PersistentVolumeClaim>(object);
      if (!subresource && spec) alignSources(spec, readOf<PersistentVolumeClaim>(old).spec);
    },
  },
};
