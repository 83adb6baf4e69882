import { KnarrError } from '../base/errors.ts';
import type { Cgroups } from '../host/cgroups.ts';
import type { NodePod } from './pod/pod.ts';
import { type QosClass, qosClassOf } from './pod/qos.ts';
import { podCgroupResources } from './pod/resources.ts';

/**
 *   kubepods/
 *   ├─ pod<uid>/               Guaranteed
 *   ├─ burstable/pod<uid>/
 *   └─ besteffort/pod<uid>/
 */
export interface PodCgroups {
  /** Makes the trees above the pods. */
  prepare(): Promise<void>;
  /** Makes a pod's cgroup and answers what the runtime is told. */
  ensure(pod: NodePod): Promise<string>;
  remove(pod: NodePod): Promise<void>;
  /** Uids of pods that have a cgroup. */
  list(): Promise<{ uid: string; path: string }[]>;
  removePath(path: string): Promise<void>;
  pathOf(pod: NodePod): string;
}

const folders: Record<QosClass, string> = { Guaranteed: '', Burstable: '/burstable', BestEffort: '/besteffort' };

export function createPodCgroups(options: {
  cgroups: Cgroups;
  root: string;
  pidsLimit?: number | undefined;
}): PodCgroups {
  const { cgroups, pidsLimit } = options;
  const top = `${options.root === '/' ? '' : options.root}/kubepods`;
  const pathOf = (pod: NodePod): string => `${top}${folders[qosClassOf(pod)]}/pod${pod.metadata.uid}`;
  const removePath = async (path: string): Promise<void> => {
    if (!(await cgroups.remove(path)))
      throw new KnarrError({ code: 'cgroup-busy', blame: 'world', message: `cgroup ${path} still has processes` });
  };
  return {
    pathOf,
    removePath,
    async prepare() {
      await cgroups.ensure(top, {});
      await cgroups.ensure(`${top}/burstable`, {});
      await cgroups.ensure(`${top}/besteffort`, { cpuShares: 2 });
    },
    async ensure(pod) {
      const path = pathOf(pod);
      await cgroups.ensure(path, { ...podCgroupResources(pod), ...(pidsLimit === undefined ? {} : { pidsLimit }) });
      return cgroups.parentName(path);
    },
    remove: (pod) => removePath(pathOf(pod)),
    async list() {
      const found: { uid: string; path: string }[] = [];
      for (const folder of Object.values(folders))
        for (const name of await cgroups.children(top + folder))
          if (name.startsWith('pod')) found.push({ uid: name.slice(3), path: `${top}${folder}/${name}` });
      return found;
    },
  };
}
