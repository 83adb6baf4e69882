import { readdir, readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { KnarrError } from '../base/errors.ts';
import type { KubeletPaths } from './paths.ts';
import type { NodePod } from './pod/pod.ts';

export interface IdRange {
  hostId: number;
  length: number;
}

/** Gives each pod with a user namespace of its own a range of host identities that no other pod has. */
export interface UserNamespaces {
  rangeOf(pod: NodePod): Promise<IdRange | undefined>;
  known(podUid: string): IdRange | undefined;
  release(podUid: string): void;
}

const length = 65_536;
const first = 1;
const last = 65_534;

export function createUserNamespaces(paths: KubeletPaths): UserNamespaces {
  const ranges = new Map<string, IdRange>();
  let loaded: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    for (const uid of await readdir(paths.pods).catch(() => [] as string[])) {
      try {
        ranges.set(uid, JSON.parse(await readFile(paths.userNamespace(uid), 'utf8')) as IdRange);
      } catch {
        // Most pods have none.
      }
    }
  };

  return {
    known: (podUid) => ranges.get(podUid),
    release: (podUid) => void ranges.delete(podUid),
    async rangeOf(pod) {
      if (pod.spec.hostUsers !== false) return undefined;
      loaded ??= load();
      await loaded;
      const { uid } = pod.metadata;
      const known = ranges.get(uid);
      if (known) return known;
      const taken = new Set([...ranges.values()].map((r) => r.hostId / length));
      let index = first;
      while (taken.has(index)) index++;
      if (index > last)
        throw new KnarrError({ code: 'no-id-range', blame: 'world', message: 'no range of user identities is free' });
      const range = { hostId: index * length, length };
      ranges.set(uid, range);
      await writeFileAtomic(paths.userNamespace(uid), JSON.stringify(range), { mode: 0o600 });
      return range;
    },
  };
}
