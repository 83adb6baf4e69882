import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';
import { chosenSources } from '../sources/cloud.ts';
import { readFacts } from '../sources/facts.ts';
import { namesRemoteKeys } from './ssh-keys.ts';

/** What was applied last, for `knarr config diff`. */
export const appliedFile = '/run/knarr/cloud-config.json';

export const record: Applier = {
  key: 'record',
  phases: ['boot', 'runtime'],
  apply: (config, host) => writeFileAtomic(host.path(appliedFile), JSON.stringify(config), { mode: 0o600 }),
};

/**
 * Where something can be known only when there is a network (a cloud's user-data, keys kept elsewhere), a unit that gets
 * it and applies it; the node and the configuration's commands wait for it.
 */
export const online: Applier = {
  key: 'online',
  phases: ['boot'],
  async apply(config, host) {
    const facts = await readFacts(host);
    const keys = [
      ...(config.ssh_authorized_keys ?? []),
      ...(config.users ?? []).flatMap((user) => user.ssh_authorized_keys ?? []),
    ];
    const asked = chosenSources(facts, config.k3os?.data_sources).some(({ network }) => network);
    if (!asked && !namesRemoteKeys(keys)) return;
    await host.run('systemd-run', [
      '--no-block',
      '--quiet',
      '--unit=knarr-online',
      '--description=Ask the network what this machine shall be',
      '--service-type=oneshot',
      '--remain-after-exit',
      '--property=After=network-online.target',
      '--property=Wants=network-online.target',
      '--property=Before=knarr.service',
      '--property=Before=knarr-run-commands.service',
      '--property=StandardError=journal+console',
      '--property=TimeoutStartSec=180',
      '/usr/lib/knarr/os.mjs',
      'online',
    ]);
  },
};
