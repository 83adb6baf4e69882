import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Applier } from '../applier.ts';
import type { CloudConfig } from '../schema.ts';
import { ownAuthorities } from './ca-certs.ts';

/** What is never behind a proxy: the machine itself, its pods and services. */
const inside = ['localhost', '127.0.0.0/8', '10.42.0.0/16', '10.43.0.0/16', '.svc', '.cluster.local'];

type Environment = NonNullable<NonNullable<CloudConfig['k3os']>['environment']>;

/** The variables that programs look for, in both cases of letters as either is asked for. k3OS has them in the environment. */
function proxyVariables(proxy: CloudConfig['proxy'], environment: Environment): Record<string, string> {
  const named = (name: string): string | undefined => environment[name] ?? environment[name.toLowerCase()];
  const http = named('HTTP_PROXY') ?? proxy?.http;
  const https = named('HTTPS_PROXY') ?? proxy?.https ?? proxy?.http;
  const direct = [...inside, ...(proxy?.no_proxy ?? []), ...(named('NO_PROXY')?.split(',') ?? [])].join(',');
  const given = { HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: (http ?? https) === undefined ? undefined : direct };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [name, name.toLowerCase()].map((each) => [each, value] as const),
    ),
  );
}

/** `k3os.environment` and `proxy`: for logins, and for the node's daemon and its container runtime. */
export const environment: Applier = {
  key: 'k3os.environment',
  phases: ['initrd', 'boot', 'runtime'],
  async apply({ proxy, ca_certs, k3os }, host) {
    const named = k3os?.environment ?? {};
    const given = {
      ...proxyVariables(proxy, named),
      ...(ca_certs?.trusted?.length ? { NODE_EXTRA_CA_CERTS: ownAuthorities } : {}),
    };
    const lines = Object.entries({ ...named, ...given }).map(
      ([key, value]) => `${key}="${value.replace(/(["\\$`])/g, '\\$1')}"\n`,
    );
    if (lines.length === 0) return;
    await writeFileAtomic(host.path('/etc/environment'), lines.join(''));
    if (Object.keys(given).length === 0) return;
    // the runtime pulls images: it goes the same way
    await writeFileAtomic(
      host.path('/etc/systemd/system/containerd.service.d/60-cloud-config.conf'),
      '[Service]\nEnvironmentFile=-/etc/environment\n',
    );
    await host.run('systemctl', ['daemon-reload']);
  },
};
