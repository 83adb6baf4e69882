import type { ConfigMap, Container, EnvVarSource, Secret } from '../../api/gen/core-v1.ts';
import { isApiError } from '../../api/status.ts';
import { KnarrError } from '../../base/errors.ts';
import { expand } from './expansion.ts';
import { type FieldContext, fieldValue } from './field-ref.ts';
import { findContainer, type NodePod } from './pod.ts';
import { resourceFieldValue } from './resources.ts';

/** Where the values of variables come from. The getters throw `ApiError` NotFound. */
export interface EnvironmentSources {
  configMap(namespace: string, name: string): Promise<ConfigMap>;
  secret(namespace: string, name: string): Promise<Secret>;
  /** The content of a file in one of the pod's volumes. */
  volumeFile(volume: string, path: string): Promise<string>;
  services: ReadonlyMap<string, string>;
  fields: FieldContext;
  allocatable: Readonly<Record<string, string>>;
}

const failed = (message: string): KnarrError => new KnarrError({ code: 'container-config', blame: 'user', message });

const text = (base64: string): string => Buffer.from(base64, 'base64').toString();

/** One variable of a `NAME=value` file (`fileKeyRef`). */
export function parseEnvFile(content: string, key: string): string | undefined {
  for (const line of content.split('\n')) {
    const match = /^\s*([A-Za-z_.-][\w.-]*)=(.*)$/.exec(line);
    if (match && match[1] === key) return (match[2] ?? '').replace(/^'(.*)'$/, '$1');
  }
  return undefined;
}

/**
 * The variables of one container: `envFrom`, then `env` (with `$(NAME)` replaced by what came before), then the
 * services that it does not set itself. Throws what the container's waiting message is to say.
 */
export async function containerEnvironment(
  pod: NodePod,
  container: Container,
  sources: EnvironmentSources,
): Promise<Map<string, string>> {
  const { namespace } = pod.metadata;
  const optional = async <T>(isOptional: boolean | undefined, work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (isOptional && isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  };

  const result = new Map<string, string>();
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef) {
      const found = await optional(configMapRef.optional, sources.configMap(namespace, configMapRef.name ?? ''));
      for (const [key, value] of Object.entries(found?.data ?? {})) result.set(prefix + key, value);
    } else if (secretRef) {
      const found = await optional(secretRef.optional, sources.secret(namespace, secretRef.name ?? ''));
      for (const [key, value] of Object.entries(found?.data ?? {})) result.set(prefix + key, text(value));
    }
  }

  /** Undefined leaves the variable out. */
  const valueFrom = async (source: EnvVarSource): Promise<string | undefined> => {
    if (source.fieldRef) return fieldValue(pod, source.fieldRef.fieldPath, sources.fields);
    if (source.resourceFieldRef) {
      const { containerName } = source.resourceFieldRef;
      const about = containerName ? findContainer(pod, containerName)?.container : container;
      if (!about) throw failed(`container ${containerName} not found`);
      return resourceFieldValue(about, source.resourceFieldRef, sources.allocatable);
    }
    if (source.configMapKeyRef) {
      const { name = '', key, optional: isOptional } = source.configMapKeyRef;
      const found = await optional(isOptional, sources.configMap(namespace, name));
      const value = found?.data?.[key];
      if (value === undefined && !isOptional)
        throw failed(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
      return value;
    }
    if (source.secretKeyRef) {
      const { name = '', key, optional: isOptional } = source.secretKeyRef;
      const found = await optional(isOptional, sources.secret(namespace, name));
      const value = found?.data?.[key];
      if (value === undefined && !isOptional) throw failed(`couldn't find key ${key} in Secret ${namespace}/${name}`);
      return value === undefined ? undefined : text(value);
    }
    if (source.fileKeyRef) {
      const { volumeName, path, key, optional: isOptional } = source.fileKeyRef;
      const value = parseEnvFile(await sources.volumeFile(volumeName, path), key);
      if (value === undefined && !isOptional)
        throw failed(`environment variable key ${JSON.stringify(key)} not found in file ${JSON.stringify(path)}`);
      return value;
    }
    return '';
  };

  for (const { name, value, valueFrom: source } of container.env ?? []) {
    const resolved = value ? expand(value, result, sources.services) : source ? await valueFrom(source) : '';
    if (resolved !== undefined) result.set(name, resolved);
  }
  for (const [name, value] of sources.services) if (!result.has(name)) result.set(name, value);
  return result;
}
