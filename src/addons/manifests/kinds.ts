import type { KubernetesObject, Resource } from '../../api/object.ts';
import { KnarrError } from '../../base/errors.ts';
import type { Client } from '../../client/client.ts';

interface ResourceList {
  resources?: { name: string; kind: string; namespaced: boolean }[];
}

/** Finds the resource behind apiVersion and kind by asking the API; answers are kept until one is missing. */
export interface Kinds {
  resourceOf(apiVersion: string, kind: string): Promise<Resource<KubernetesObject>>;
}

export function createKinds(client: Client): Kinds {
  const known = new Map<string, Promise<ResourceList>>();
  const ask = (apiVersion: string): Promise<ResourceList> => {
    const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    return client.raw({ method: 'GET', path }) as Promise<ResourceList>;
  };
  const find = async (apiVersion: string, kind: string): Promise<Resource<KubernetesObject> | undefined> => {
    const list = known.get(apiVersion) ?? ask(apiVersion);
    known.set(apiVersion, list);
    try {
      const entry = (await list).resources?.find((r) => r.kind === kind && !r.name.includes('/'));
      if (entry === undefined) return undefined;
      const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
      return { group: group ?? '', version: version ?? '', resource: entry.name, kind, namespaced: entry.namespaced };
    } catch (error) {
      known.delete(apiVersion);
      throw error;
    }
  };
  return {
    async resourceOf(apiVersion, kind) {
      let found = await find(apiVersion, kind).catch(() => undefined);
      if (found === undefined) {
        known.delete(apiVersion);
        found = await find(apiVersion, kind);
      }
      if (found !== undefined) return found;
      throw new KnarrError({
        code: 'unknown-kind',
        blame: 'user',
        message: `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`,
      });
    },
  };
}
