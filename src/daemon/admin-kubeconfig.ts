import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { KnarrError } from '../base/errors.ts';
import { run } from '../base/run.ts';
import { keyToPem } from '../pki/keys.ts';
import { fileKubeconfig, kubeconfig } from '../pki/kubeconfig.ts';
import type { ServerConfig } from './config.ts';
import type { ServerCertificates } from './server-certificates.ts';

/** The kubeconfigs under `server/cred`, by name, with the certificate that each shows. */
const componentKubeconfigs = {
  admin: 'client-admin',
  supervisor: 'client-supervisor',
  controller: 'client-controller',
  scheduler: 'client-scheduler',
  'api-server': 'client-kube-apiserver',
} as const;

async function groupId(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const { stdout } = await run('getent', ['group', group], { okCodes: [0, 2] });
  const id = stdout.split(':')[2];
  if (id !== undefined) return Number(id);
  throw new KnarrError({
    code: 'invalid-setting',
    blame: 'user',
    message: `--write-kubeconfig-group: there is no group ${JSON.stringify(group)}`,
  });
}

const hostForUrl = (address: string): string => {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
};

/** Where this machine's own programs reach the API. */
export const localUrl = (config: ServerConfig, port: number): string =>
  `https://${hostForUrl(config.bindAddress)}:${port}`;

/** Writes the administrator's kubeconfig and those of the components. */
export async function writeKubeconfigs(
  config: ServerConfig,
  certificates: ServerCertificates,
  port: number,
): Promise<void> {
  const server = localUrl(config, port);
  const { path, mode, group, name } = config.kubeconfig;
  const admin = certificates.leaf('client-admin');
  const text = kubeconfig({
    server,
    name,
    certificateAuthority: certificates.authorities['server-ca'].certificate,
    clientCertificate: admin.certificate,
    clientKey: keyToPem(admin.key),
  });
  await writeFileAtomic(path, text, { mode });
  if (group !== undefined) await chown(path, -1, await groupId(group));
  const { tls, credentials } = config.paths.server;
  await Promise.all(
    Object.entries(componentKubeconfigs).map(([component, leaf]) =>
      writeFileAtomic(
        join(credentials, `${component}.kubeconfig`),
        fileKubeconfig({
          server,
          certificateAuthorityFile: join(tls, 'server-ca.crt'),
          clientCertificateFile: join(tls, `${leaf}.crt`),
          clientKeyFile: join(tls, `${leaf}.key`),
        }),
        { mode: 0o600 },
      ),
    ),
  );
}
