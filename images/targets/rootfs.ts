import { join } from 'node:path';
import { rootfsStage } from '../stages/rootfs.ts';
import type { Target } from './target.ts';

/** The root alone as a tar, for a container or to be laid over something. */
export const rootfs: Target = {
  summary: 'the root tree as a tar',
  flavour: 'vm',
  arches: ['amd64', 'arm64'],
  async make(parts) {
    const made = await parts.stage(rootfsStage({ arch: parts.inputs.arch, system: parts.system }));
    return [{ from: join(made, 'root.tar'), name: '.tar', compress: true }];
  },
};
