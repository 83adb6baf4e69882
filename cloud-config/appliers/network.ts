import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';
import { networkFiles } from '../network/files.ts';

const folder = '/etc/systemd/network';
const own = /^50-cloud-config-/;

/** `network`: files of systemd-networkd, which starts afterwards or is told to read them again. */
export const network: Applier = {
  key: 'network',
  phases: ['boot', 'runtime'],
  async apply({ network }, host, phase) {
    const files = networkFiles(network ?? {});
    const there = (await readdir(host.path(folder)).catch(() => [])).filter((name) => own.test(name));
    if (Object.keys(files).length + there.length === 0) return;
    await mkdir(host.path(folder), { recursive: true });
    let renames = false;
    for (const name of new Set([...there, ...Object.keys(files)])) {
      const path = host.path(`${folder}/${name}`);
      const content = files[name];
      if (content === (await readFile(path, 'utf8').catch(() => undefined))) continue;
      await (content === undefined ? rm(path) : writeFileAtomic(path, content));
      renames ||= name.endsWith('.link');
    }
    if (renames) {
      // udev has seen the ports already, and has given them names
      await host.run('udevadm', ['control', '--reload']);
      await host.run('udevadm', ['trigger', '--action=add', '--subsystem-match=net']);
    }
    if (phase === 'runtime') await host.run('networkctl', ['reload']);
  },
};
