import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/gen/core-v1.ts';
import { persistentvolumeclaims, persistentvolumes, pods, storageclasses } from '../../api/gen/resources.ts';
import { nodeSelectorMatches, termMatches } from '../../api/node-selection.ts';
import { classOfClaim, findVolume } from '../../api/volume-match.ts';
import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../client/informer.ts';
import type { Cycle, Plugin, Refusal } from '../plugin.ts';
import { bindVolumes } from './volume-bind.ts';

const bindCompleted = 'pv.kubernetes.io/bind-completed';
const selectedNode = 'volume.kubernetes.io/selected-node';
const zoneLabels = [
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
];

/** The claims of a pod, sorted by what is to be done about them. */
interface Claims {
  bound: { claim: PersistentVolumeClaim; volume: PersistentVolume }[];
  /** Bound only once the pod's node is known. */
  waiting: PersistentVolumeClaim[];
}

/** What binding the waiting claims on a node would take. */
export interface VolumeDecision {
  volumes: { claim: PersistentVolumeClaim; volume: PersistentVolume }[];
  provision: PersistentVolumeClaim[];
}

const unresolvable = (reason: string): Refusal => ({ reasons: [reason], unresolvable: true });

function claimNames(pod: Pod): { name: string; made: boolean }[] {
  return (pod.spec?.volumes ?? []).flatMap((v): { name: string; made: boolean }[] => {
    if (v.persistentVolumeClaim) return [{ name: v.persistentVolumeClaim.claimName, made: false }];
    return v.ephemeral ? [{ name: `${pod.metadata.name}-${v.name}`, made: true }] : [];
  });
}

function zonesMatch(volume: PersistentVolume, node: Node): boolean {
  return zoneLabels.every((label) => {
    const wanted = volume.metadata.labels?.[label];
    return wanted === undefined || wanted.split('__').includes(node.metadata.labels?.[label] ?? '');
  });
}

export interface VolumePlugins {
  readonly plugins: readonly Plugin[];
  /** Resolves when claims, volumes and classes are known, with what takes the handlers off again. */
  start(): Promise<() => void>;
}

export function createVolumePlugins(options: {
  client: Client;
  informers: InformerFactory;
  onChange: () => void;
}): VolumePlugins {
  const { client, informers, onChange } = options;
  const claims = informers.informer(persistentvolumeclaims);
  const volumes = informers.informer(persistentvolumes);
  const classes = informers.informer(storageclasses);
  const podInformer = informers.informer(pods);
  /** Volumes promised to pods that are being bound: volume name to claim uid. */
  const promised = new Map<string, string>();

  const sortClaims = (pod: Pod): Refusal | Claims => {
    const found: Claims = { bound: [], waiting: [] };
    for (const { name, made } of claimNames(pod)) {
      const claim = claims.get(name, pod.metadata.namespace);
      if (!claim) {
        const text = `persistentvolumeclaim "${name}"`;
        return unresolvable(
          made ? `waiting for ephemeral volume controller to create the ${text}` : `${text} not found`,
        );
      }
      if (claim.metadata.deletionTimestamp !== undefined) {
        return unresolvable(`persistentvolumeclaim "${name}" is being deleted`);
      }
      if (claim.status?.phase === 'Lost') {
        return unresolvable(
          `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName}"`,
        );
      }
      const volume = claim.spec?.volumeName ? volumes.get(claim.spec.volumeName) : undefined;
      if (volume && claim.metadata.annotations?.[bindCompleted] !== undefined) {
        found.bound.push({ claim, volume });
      } else if (
        classes.get(classOfClaim(claim))?.volumeBindingMode === 'WaitForFirstConsumer' &&
        !claim.spec?.volumeName
      ) {
        found.waiting.push(claim);
      } else {
        return unresolvable('pod has unbound immediate PersistentVolumeClaims');
      }
    }
    return found;
  };

  const mayProvision = (claim: PersistentVolumeClaim, node: Node): boolean => {
    const chosen = claim.metadata.annotations?.[selectedNode];
    if (chosen !== undefined && chosen !== node.metadata.name) return false;
    const storageClass = classes.get(classOfClaim(claim));
    if (!storageClass || storageClass.provisioner === 'kubernetes.io/no-provisioner') return false;
    const terms = storageClass.allowedTopologies ?? [];
    if (terms.length === 0) return true;
    return terms.some((term) =>
      termMatches(
        { matchExpressions: (term.matchLabelExpressions ?? []).map((e) => ({ ...e, operator: 'In' })) },
        node,
      ),
    );
  };

  const decideFor = (waiting: readonly PersistentVolumeClaim[], node: Node): VolumeDecision | undefined => {
    const decision: VolumeDecision = { volumes: [], provision: [] };
    const free = (v: PersistentVolume, claim: PersistentVolumeClaim): boolean => {
      const holder = promised.get(v.metadata.name ?? '');
      if (holder !== undefined && holder !== claim.metadata.uid) return false;
      if (decision.volumes.some((d) => d.volume === v)) return false;
      const required = v.spec?.nodeAffinity?.required;
      return required === undefined || nodeSelectorMatches(required, node);
    };
    for (const claim of waiting) {
      const volume =
        claim.metadata.annotations?.[selectedNode] === undefined
          ? findVolume(volumes.list(), claim, (v) => free(v, claim))
          : undefined;
      if (volume) decision.volumes.push({ claim, volume });
      else if (mayProvision(claim, node)) decision.provision.push(claim);
      else return undefined;
    }
    return decision;
  };

  const decisionOf = ({ facts }: Cycle, node: string): VolumeDecision | undefined =>
    (facts.get('VolumeBinding.decisions') as Map<string, VolumeDecision> | undefined)?.get(node);

  const volumeBinding: Plugin = {
    name: 'VolumeBinding',
    wakes: ['storage', 'node-added', 'node-changed'],
    preFilter(cycle) {
      if (claimNames(cycle.pod.pod).length === 0) return undefined;
      const found = sortClaims(cycle.pod.pod);
      if ('reasons' in found) return found;
      cycle.facts.set('VolumeBinding', found);
      cycle.facts.set('VolumeBinding.decisions', new Map<string, VolumeDecision>());
      return undefined;
    },
    filter({ facts }, { node, name }) {
      const found = facts.get('VolumeBinding') as Claims | undefined;
      if (!found) return undefined;
      for (const { volume } of found.bound) {
        const required = volume.spec?.nodeAffinity?.required;
        if (required && !nodeSelectorMatches(required, node)) {
          return unresolvable("node(s) didn't match PersistentVolume's node affinity");
        }
        if (!zonesMatch(volume, node)) return unresolvable('node(s) had no available volume zone');
      }
      if (found.waiting.length === 0) return undefined;
      const decision = decideFor(found.waiting, node);
      if (!decision) return unresolvable("node(s) didn't find available persistent volumes to bind");
      (facts.get('VolumeBinding.decisions') as Map<string, VolumeDecision>).set(name, decision);
      return undefined;
    },
    reserve(cycle, node) {
      for (const { claim, volume } of decisionOf(cycle, node)?.volumes ?? []) {
        promised.set(volume.metadata.name ?? '', claim.metadata.uid ?? '');
      }
    },
    async preBind(cycle, node, signal) {
      const decision = decisionOf(cycle, node);
      if (!decision) return;
      await bindVolumes({ client, claims, decision, node, signal });
      this.unreserve?.(cycle, node);
    },
    unreserve(cycle, node) {
      for (const { volume } of decisionOf(cycle, node)?.volumes ?? []) promised.delete(volume.metadata.name ?? '');
    },
  };

  podInformer.addIndex('claim', (pod) => claimNames(pod).map(({ name }) => `${pod.metadata.namespace}/${name}`));
  const volumeRestrictions: Plugin = {
    name: 'VolumeRestrictions',
    wakes: ['pod-removed', 'storage'],
    preFilter({ pod, view }) {
      for (const { name } of claimNames(pod.pod)) {
        const claim = claims.get(name, pod.namespace);
        if (!claim?.spec?.accessModes?.includes('ReadWriteOncePod')) continue;
        const users = podInformer.byIndex('claim', `${pod.namespace}/${name}`);
        const taken = users.some(
          (u) => u.metadata.uid !== pod.uid && view.node(u.spec?.nodeName ?? '')?.pods.has(u.metadata.uid ?? ''),
        );
        if (!taken) continue;
        const reason =
          'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';
        return { reasons: [reason] };
      }
      return undefined;
    },
  };

  return {
    plugins: [volumeRestrictions, volumeBinding],
    async start() {
      await Promise.all([claims.synced, volumes.synced, classes.synced]);
      const changed = { add: onChange, update: onChange, delete: onChange };
      const removers = [claims.addHandler(changed), volumes.addHandler(changed), classes.addHandler(changed)];
      return () => {
        for (const remove of removers) remove();
      };
    },
  };
}
