import { conflict, notFound } from '../../api/status.ts';
import { put } from './commit.ts';
import type { Core, Verbs, View } from './core.ts';
import { deleteObject } from './delete.ts';
import { newest } from './newest.ts';
import { ordered, storedUnwritten, textOf } from './stored.ts';
import type { Admission } from './types.ts';
import { modified } from './update.ts';

const attempts = 20;
const nobody: Admission = { mutate: () => false, validate() {} };

export function createVerbs(coreOf: () => Core, view: View): Verbs {
  return {
    async rewrite(context, place, change) {
      const core = coreOf();
      const key = core.cache.key(place);
      for (let attempt = 0; attempt < attempts; attempt++) {
        const existing = newest(core, key);
        if (!existing) throw notFound(core.definition, place.name);
        const draft = existing.draft();
        if (!change(draft)) return existing;
        const final = ordered(draft);
        if (context.dryRun) {
          return storedUnwritten({ key, place, revision: existing.revision, fields: core.cache.fields }, final);
        }
        const text = textOf(final);
        const stored = await put(core, { place, draft: final, text, expected: existing.revision });
        if (stored) return stored;
      }
      throw conflict(core.definition, place.name, modified);
    },
    remove(context, place, deletion) {
      return deleteObject({ ...coreOf(), admission: nobody }, view, { context, place }, deletion);
    },
  };
}
