import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';

const bundle = '/etc/ssl/certs/ca-certificates.crt';
/** The configuration's own alone: Node is told of them by NODE_EXTRA_CA_CERTS. */
export const ownAuthorities = '/etc/ssl/certs/cloud-config.pem';
const mark = '# from the cloud-config\n';

/** `ca_certs`: authorities that every program of the machine trusts. */
export const caCerts: Applier = {
  key: 'ca_certs',
  phases: ['initrd', 'boot', 'runtime'],
  async apply({ ca_certs }, host) {
    if (ca_certs === undefined) return;
    const own = (ca_certs.trusted ?? []).map((pem) => `${pem.trim()}\n`).join('');
    const before = (await readFile(host.path(bundle), 'utf8').catch(() => '')).split(mark)[0];
    await writeFileAtomic(host.path(bundle), `${ca_certs.remove_defaults ? '' : before}${mark}${own}`);
    await writeFileAtomic(host.path(ownAuthorities), own);
  },
};
