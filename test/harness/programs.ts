import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { nodePrograms } from '../../images/tools/paths.ts';
import { findProgram } from '../../src/daemon/containerd/programs.ts';

/** What a node of the fast tier is made of. `KNARR_TEST_TOOLS` names folders that are looked at first. */
export interface NodePrograms {
  readonly containerd: string;
  readonly ctr: string;
  readonly shim: string;
  readonly catatonit: string;
  readonly kubectl: string;
  readonly busybox: string;
  readonly cniFolder: string;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const folders = (process.env.KNARR_TEST_TOOLS ?? '').split(delimiter).filter((folder) => folder !== '');

async function locate(name: string, made: string): Promise<string | undefined> {
  for (const folder of folders) if (await exists(join(folder, name))) return join(folder, name);
  return (await exists(made)) ? made : findProgram(name);
}

const names = {
  containerd: 'containerd',
  ctr: 'ctr',
  shim: 'containerd-shim-runc-v2',
  catatonit: 'catatonit',
  kubectl: 'kubectl',
  busybox: 'busybox',
} as const;

/** The programs, or the sentence that says which of them this machine lacks. */
export async function findNodePrograms(): Promise<NodePrograms | string> {
  const found = await Promise.all(
    Object.entries(names).map(async ([key, name]) => [
      key,
      await locate(name, nodePrograms[key as keyof typeof names]),
    ]),
  );
  const bridge = await locate('bridge', join(nodePrograms.cniFolder, 'bridge'));
  const cniFolder = bridge?.includes('cni') === true ? join(bridge, '..') : undefined;
  const missing = [
    ...found,
    ['CNI plugins', cniFolder],
    ['runc', await findProgram('runc')],
    ['nft', await findProgram('nft')],
  ]
    .filter(([, path]) => path === undefined)
    .map(([name]) => name);
  if (missing.length > 0) return `this machine lacks ${missing.join(', ')}: run "npm test", which brings them`;
  return { ...(Object.fromEntries(found) as Omit<NodePrograms, 'cniFolder'>), cniFolder: cniFolder ?? '' };
}

/** Why nodes cannot run here, or undefined when they can. */
export async function whyNoNodes(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'namespaces and containers need root';
  const programs = await findNodePrograms();
  return typeof programs === 'string' ? programs : undefined;
}
