import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { nodePrograms } from '../../images/tools/paths.ts';

/** An unmodified kubectl: `KNARR_KUBECTL`, the test tools, what set-up has unpacked, the PATH; undefined when there is none. */
export async function findKubectl(): Promise<string | undefined> {
  const folders = `${process.env.KNARR_TEST_TOOLS ?? ''}${delimiter}${process.env.PATH ?? ''}`.split(delimiter);
  const candidates = [
    process.env.KNARR_KUBECTL,
    nodePrograms.kubectl,
    ...folders.filter((folder) => folder !== '').map((folder) => join(folder, 'kubectl')),
  ];
  for (const path of candidates) {
    if (!path) continue;
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // the next one
    }
  }
  return undefined;
}
