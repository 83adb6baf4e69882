import { readFile } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { parse } from 'yaml';
import { parseLimitedResources } from '../apiserver/admission/limited-resources.ts';
import { parsePodSecurity } from '../apiserver/admission/pod-security/settings.ts';
import type { ApiServerOptions } from '../apiserver/options.ts';
import { messageOf } from '../base/errors.ts';
import { type ApiServerSettings, refuseSetting } from './apiserver-settings.ts';

type Merged = Pick<ApiServerOptions, 'serviceAccounts' | 'requestHeader'> & Partial<ApiServerOptions>;

async function read(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw refuseSetting(`${name}: ${messageOf(error)}`);
  }
}

/** The keys of a file, which may hold several. */
const keysOf = (text: string): string[] =>
  text.match(/-----BEGIN [A-Z ]*KEY-----[\s\S]*?-----END [A-Z ]*KEY-----/g) ?? [];

async function serviceAccounts(
  { serviceAccounts: given = {} }: ApiServerSettings,
  own: ApiServerOptions['serviceAccounts'],
): Promise<ApiServerOptions['serviceAccounts']> {
  const { issuers, audiences, signingKeyFile, keyFiles = [], ...rest } = given;
  const verification = await Promise.all(
    keyFiles.map(async (path) => {
      const keys = keysOf(await read('service-account-key-file', path));
      if (keys.length === 0) throw refuseSetting(`service-account-key-file: ${path} does not contain any valid keys`);
      return keys;
    }),
  );
  return {
    ...own,
    ...rest,
    ...(issuers ? { issuers } : {}),
    ...(audiences ? { audiences } : {}),
    // Tokens that the cluster's own key signed stay good.
    verificationKeys: [...(signingKeyFile === undefined ? [] : [own.signingKey]), ...verification.flat()],
    ...(signingKeyFile === undefined
      ? {}
      : { signingKey: await read('service-account-signing-key-file', signingKeyFile) }),
  };
}

interface AdmissionFile {
  apiVersion?: string;
  kind?: string;
  plugins?: { name?: string; path?: string; configuration?: unknown }[];
}

type Admission = NonNullable<ApiServerOptions['admission']>;

/** By plug-in, what its configuration sets. */
const configurable: Readonly<Record<string, (text: string) => Partial<Admission>>> = {
  PodSecurity: (text) => ({ podSecurity: parsePodSecurity(text) }),
  ResourceQuota: (text) => ({ limitedResources: parseLimitedResources(text) }),
};

/** Of these the configuration would do something that is not done here. That of others is for nobody, as upstream. */
const unsupported = new Set([
  'MutatingAdmissionPolicy',
  'MutatingAdmissionWebhook',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionWebhook',
]);

/** `AdmissionConfiguration`: of the plug-ins that can be configured. Of several for one plug-in the first holds. */
async function admissionFile(path: string): Promise<Admission> {
  const name = 'admission-control-config-file';
  const { apiVersion, kind, plugins } = (parse(await read(name, path)) ?? {}) as AdmissionFile;
  if (kind !== 'AdmissionConfiguration' || !apiVersion?.startsWith('apiserver.config.k8s.io/'))
    throw refuseSetting(`${name}: ${path} is no AdmissionConfiguration of apiserver.config.k8s.io/v1`);
  let admission: Admission = {};
  const seen = new Set<string>();
  for (const { name: pluginName = '', path: place = '', configuration } of plugins ?? []) {
    if (unsupported.has(pluginName))
      throw refuseSetting(
        `${name}: the plug-in ${pluginName} cannot be configured; ${Object.keys(configurable).join(' and ')} can`,
      );
    if (seen.has(pluginName) || !Object.hasOwn(configurable, pluginName)) continue;
    seen.add(pluginName);
    if (!configuration && place === '') continue;
    const text = configuration
      ? JSON.stringify(configuration)
      : await read(name, isAbsolute(place) ? place : resolve(path, '..', place));
    admission = { ...admission, ...configurable[pluginName]?.(text) };
  }
  return admission;
}

/** The API server's options with what `--kube-apiserver-arg` sets laid over them. */
export async function withSettings<T extends Merged>(options: T, settings: ApiServerSettings): Promise<T> {
  const { encryption: _encryption, admissionFile: file, serviceAccounts: _accounts, requestHeader, ...rest } = settings;
  const own = options.requestHeader;
  return {
    ...options,
    ...rest,
    ...(file === undefined ? {} : { admission: { ...rest.admission, ...(await admissionFile(file)) } }),
    serviceAccounts: await serviceAccounts(settings, options.serviceAccounts),
    ...(own
      ? {
          requestHeader: {
            ...own,
            ...(requestHeader?.allowedNames ? { allowedNames: requestHeader.allowedNames } : {}),
            ...(requestHeader?.headers ? { headers: requestHeader.headers } : {}),
          },
        }
      : {}),
  };
}
