import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';
import { readOsRelease } from '../os-release.ts';
import type { CloudConfig } from '../schema.ts';

/** What the machine is in its cluster: how the daemon is called, and what its configuration says. */
export function nodeOf(
  config: CloudConfig,
  version: string,
  mode = 'disk',
): { role: string; args: string[]; settings: object } {
  const { server_url, token, labels = {}, taints = [], k3s_args = [] } = config.k3os ?? {};
  const [first = ''] = k3s_args;
  const named = first === 'server' || first === 'agent';
  return {
    role: named ? first : server_url === undefined ? 'server' : 'agent',
    args: named ? k3s_args.slice(1) : [...k3s_args],
    settings: {
      ...(server_url === undefined ? {} : { server: server_url }),
      ...(token === undefined ? {} : { token }),
      'node-label+': [
        `k3os.io/mode=${mode}`,
        `k3os.io/version=${version}`,
        ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
      ],
      ...(taints.length === 0 ? {} : { 'node-taint+': taints }),
    },
  };
}

/** One word of an EnvironmentFile value that systemd splits at blanks, quotes honoured. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `"${word.replace(/(["\\$`])/g, '\\$1')}"`;

/** `k3os.server_url`, `token`, `labels`, `taints`, `k3s_args`: the daemon's configuration and how its unit calls it. */
export const node: Applier = {
  key: 'k3os',
  phases: ['boot', 'runtime'],
  async apply(config, host) {
    const release = await readOsRelease(host);
    const mode = (await readFile(host.path('/run/knarr/mode'), 'utf8').catch(() => '')).trim();
    const { role, args, settings } = nodeOf(config, release('VERSION_ID') ?? 'unknown', mode === '' ? 'disk' : mode);
    await writeFileAtomic(host.path('/etc/rancher/k3s/config.yaml.d/50-cloud-config.yaml'), stringify(settings), {
      mode: 0o600,
    });
    const line = args.map(quoted).join(' ');
    await writeFileAtomic(
      host.path('/run/knarr/knarr.env'),
      `KNARR_ROLE=${role}\nKNARR_ARGUMENTS='${line.replaceAll("'", "'\\''")}'\n`,
      { mode: 0o600 },
    );
  },
};
