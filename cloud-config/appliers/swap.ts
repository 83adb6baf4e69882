import { readFile, stat } from 'node:fs/promises';
import type { Applier } from '../applier.ts';

const units: Record<string, number> = { K: 1, M: 2, G: 3, T: 4 };

/** Bytes of `512M` or `2G`. */
export function bytesOf(size: string): number {
  const [, number = '0', unit = ''] = /^([\d.]+)([KMGT]?)$/i.exec(size) ?? [];
  return Math.floor(Number(number) * 1024 ** (units[unit.toUpperCase()] ?? 0));
}

/** `swap`: a file that is made once and used from every boot on. */
export const swap: Applier = {
  key: 'swap',
  phases: ['boot', 'runtime'],
  async apply({ swap }, host) {
    if (swap?.size === undefined) return;
    const file = swap.filename ?? '/var/swap';
    const bytes = bytesOf(swap.size);
    if (bytes === 0) return;
    const used = await readFile(host.path('/proc/swaps'), 'utf8').catch(() => '');
    if (used.split('\n').some((line) => line.startsWith(`${file} `))) return;
    const there = await stat(host.path(file)).then(
      ({ size }) => size,
      () => 0,
    );
    if (there !== bytes) {
      await host.run('rm', ['-f', host.path(file)]);
      await host.run('fallocate', ['-l', String(bytes), host.path(file)]);
      await host.run('chmod', ['0600', host.path(file)]);
      await host.run('mkswap', [host.path(file)]);
    }
    await host.run('swapon', [host.path(file)]);
  },
};
