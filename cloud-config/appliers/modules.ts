import type { Applier } from '../applier.ts';

/** `k3os.modules`: kernel modules, each with its parameters behind it. */
export const modules: Applier = {
  key: 'k3os.modules',
  phases: ['initrd', 'boot', 'runtime'],
  async apply({ k3os }, host) {
    for (const line of k3os?.modules ?? [])
      await host.run(
        'modprobe',
        line.split(/\s+/).filter((word) => word !== ''),
      );
  },
};
