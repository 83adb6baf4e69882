import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { KnarrError, messageOf, systemCode } from '../../base/errors.ts';
import { type Table, writeToml } from './toml.ts';

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly token?: string;
}

interface RegistryTls {
  readonly ca_file?: string;
  readonly cert_file?: string;
  readonly key_file?: string;
  readonly insecure_skip_verify?: boolean;
}

/** registries.yaml, as K3s has it. */
export interface Registries {
  readonly mirrors?: Readonly<
    Record<string, { endpoint?: readonly string[]; rewrite?: Record<string, string> } | null>
  >;
  readonly configs?: Readonly<Record<string, { auth?: RegistryAuth; token?: string; tls?: RegistryTls } | null>>;
}

const refuse = (file: string, why: string, cause?: unknown): KnarrError =>
  new KnarrError({ code: 'invalid-registries', blame: 'user', message: `${file}: ${why}`, cause });

export async function readRegistries(file: string): Promise<Registries> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return {};
    throw error;
  }
  let registries: Registries | null;
  try {
    registries = parse(text) as Registries | null;
  } catch (cause) {
    throw refuse(file, messageOf(cause), cause);
  }
  for (const [name, mirror] of Object.entries(registries?.mirrors ?? {}))
    if (mirror?.rewrite !== undefined && Object.keys(mirror.rewrite).length > 0)
      throw refuse(file, `mirrors.${name}.rewrite is not supported yet: containerd asks mirrors for the same name`);
  return registries ?? {};
}

/** Credentials by host, for containerd's own configuration. */
export const registryAuth = ({ configs = {} }: Registries): Map<string, RegistryAuth> =>
  new Map(
    Object.entries(configs).flatMap(([host, config]) => {
      const auth = config?.auth ?? (config?.token === undefined ? undefined : { token: config.token });
      return auth === undefined ? [] : [[host, auth] as const];
    }),
  );

const defaultHost = (registry: string): string => (registry === 'docker.io' ? 'registry-1.docker.io' : registry);

function hostTable(endpoint: string, tls: RegistryTls | undefined): Table {
  return {
    capabilities: ['pull', 'resolve'],
    ...(new URL(endpoint).pathname.replace(/\/$/, '') === '' ? {} : { override_path: true }),
    ...(tls?.insecure_skip_verify === true ? { skip_verify: true } : {}),
    ...(tls?.ca_file === undefined ? {} : { ca: [tls.ca_file] }),
    ...(tls?.cert_file === undefined || tls.key_file === undefined ? {} : { client: [[tls.cert_file, tls.key_file]] }),
  };
}

/** One hosts.toml: the mirrors in their order, then the registry itself unless it is not to be asked. */
export function hostsToml(registry: string, registries: Registries, defaultEndpoint: boolean): string {
  const tlsOf = (host: string): RegistryTls | undefined => registries.configs?.[host]?.tls;
  const endpoints = (registries.mirrors?.[registry]?.endpoint ?? []).map((endpoint) =>
    /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`,
  );
  const own = registry === '*' ? undefined : `https://${defaultHost(registry)}`;
  const hosts: Record<string, Table> = {};
  for (const endpoint of endpoints) hosts[endpoint] = hostTable(endpoint, tlsOf(new URL(endpoint).host));
  const tls = tlsOf(registry) ?? tlsOf(defaultHost(registry));
  if (defaultEndpoint && own !== undefined && tls !== undefined) hosts[own] ??= hostTable(own, tls);
  // With no server named containerd asks the registry itself last; naming the last mirror keeps it from that.
  const last = defaultEndpoint ? own : endpoints.at(-1);
  return writeToml({ ...(last === undefined ? {} : { server: last }), host: hosts });
}

/** Writes certs.d anew: a folder for every registry that is named, `_default` for `*`. */
export async function writeRegistryHosts(
  folder: string,
  registries: Registries,
  defaultEndpoint: boolean,
): Promise<void> {
  const names = new Set([
    ...Object.keys(registries.mirrors ?? {}),
    ...Object.entries(registries.configs ?? {}).flatMap(([host, config]) => (config?.tls === undefined ? [] : [host])),
  ]);
  await mkdir(folder, { recursive: true });
  const wanted = new Map([...names].map((name) => [name === '*' ? '_default' : name, name]));
  for (const old of await readdir(folder)) if (!wanted.has(old)) await rm(join(folder, old), { recursive: true });
  for (const [directory, name] of wanted)
    await writeFileAtomic(join(folder, directory, 'hosts.toml'), hostsToml(name, registries, defaultEndpoint), {
      mode: 0o600,
    });
}
