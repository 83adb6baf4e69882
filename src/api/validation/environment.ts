import type { Container, EnvVarSource, ObjectFieldSelector, ResourceFieldSelector } from '../gen/core-v1.ts';
import { isConfigMapKey, isDns1123Label, isDns1123Subdomain, isQualifiedName, isRelaxedEnvVarName } from '../names.ts';
import { isZeroQuantity } from '../quantity.ts';
import { validateNoBacksteps } from './paths.ts';
import type { Problems } from './problems.ts';

const environmentFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const volumeFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];
const known = new Set([
  ...environmentFields,
  ...volumeFields,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);
const containerFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const byteDivisors = new Set(['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']);
const byteText = "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the";

export function validateFieldRef(
  p: Problems,
  path: string,
  selector: ObjectFieldSelector,
  where: 'environment' | 'volume',
): void {
  if (!selector.apiVersion) {
    p.required(`${path}.apiVersion`);
    return;
  }
  const text = selector.fieldPath;
  if (!text) {
    p.required(`${path}.fieldPath`);
    return;
  }
  const subscript = /^(.*)\['(.*)'\]$/s.exec(text);
  const field = subscript?.[1] ?? (text === 'spec.host' ? 'spec.nodeName' : text);
  const wrong = conversionError(selector.apiVersion, text, field, subscript !== null);
  if (wrong) {
    p.invalid(`${path}.fieldPath`, text, `error converting fieldPath: ${wrong}`);
    return;
  }
  const expressions = where === 'environment' ? environmentFields : volumeFields;
  if (subscript) {
    const key = subscript[2] ?? '';
    const name = field === 'metadata.annotations' ? key.toLowerCase() : key;
    p.all(path, name, isQualifiedName(name));
  } else if (!expressions.includes(field)) p.unsupported(`${path}.fieldPath`, field, expressions);
}

function conversionError(apiVersion: string, text: string, field: string, subscript: boolean): string | undefined {
  if (apiVersion !== 'v1') return `unsupported pod version: ${apiVersion}`;
  if (subscript && field !== 'metadata.annotations' && field !== 'metadata.labels') {
    return `field label does not support subscript: ${text}`;
  }
  return known.has(field) ? undefined : `field label not supported: ${text}`;
}

export function validateResourceFieldRef(
  p: Problems,
  path: string,
  { containerName, resource, divisor }: ResourceFieldSelector,
  volume: boolean,
): void {
  const isHuge = /^(limits|requests)\.hugepages-/.test(resource ?? '');
  if (volume && !containerName) p.required(`${path}.containerName`);
  else if (!resource) p.required(`${path}.resource`);
  else if (!containerFields.includes(resource) && !isHuge) p.unsupported(`${path}.resource`, resource, containerFields);
  if (divisor === undefined || isZeroQuantity(divisor)) return;
  const refuse = (text: string): void => p.invalid(`${path}.divisor`, resource, text);
  if (/\.cpu$/.test(resource)) {
    if (divisor !== '1m' && divisor !== '1')
      refuse("only divisor's values 1m and 1 are supported with the cpu resource");
  } else if (/\.memory$/.test(resource) && !byteDivisors.has(divisor)) refuse(`${byteText} memory resource`);
  else if (/\.ephemeral-storage$/.test(resource) && !byteDivisors.has(divisor)) {
    refuse(`${byteText} local ephemeral storage resource`);
  } else if (isHuge && !byteDivisors.has(divisor)) refuse(`${byteText} hugepages resource`);
}

function validateKeyRef(p: Problems, path: string, ref: { name?: string | undefined; key: string }): void {
  p.all(`${path}.name`, ref.name ?? '', isDns1123Subdomain(ref.name ?? ''));
  if (!ref.key) p.required(`${path}.key`);
  else p.all(`${path}.key`, ref.key, isConfigMapKey(ref.key));
}

function validateValueFrom(p: Problems, path: string, source: EnvVarSource, hasValue: boolean): void {
  let sources = 0;
  if (source.fieldRef) {
    sources++;
    validateFieldRef(p, `${path}.fieldRef`, source.fieldRef, 'environment');
  }
  if (source.resourceFieldRef) {
    sources++;
    validateResourceFieldRef(p, `${path}.resourceFieldRef`, source.resourceFieldRef, false);
  }
  for (const name of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const ref = source[name];
    if (!ref) continue;
    sources++;
    validateKeyRef(p, `${path}.${name}`, ref);
  }
  const file = source.fileKeyRef;
  if (file) {
    sources++;
    if (!file.key) p.required(`${path}.fileKeyRef.key`);
    else p.all(`${path}.fileKeyRef.key`, file.key, isRelaxedEnvVarName(file.key));
    if (!file.volumeName) p.required(`${path}.fileKeyRef.volumeName`);
    else p.all(`${path}.fileKeyRef.volumeName`, file.volumeName, isDns1123Label(file.volumeName));
    if (!file.path) p.required(`${path}.fileKeyRef.path`);
    else validateNoBacksteps(p, `${path}.fileKeyRef.path`, file.path);
  }
  if (sources === 0) {
    const names = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
    p.invalid(path, '', `must specify one of: ${names}`);
  } else if (hasValue) p.invalid(path, '', 'may not be specified when `value` is not empty');
  else if (sources > 1) p.invalid(path, '', 'may not have more than one field specified at a time');
}

export function validateEnvironment(p: Problems, path: string, { env, envFrom }: Container): void {
  for (const [i, variable] of (env ?? []).entries()) {
    const at = `${path}.env[${i}]`;
    if (!variable.name) p.required(`${at}.name`);
    else p.all(`${at}.name`, variable.name, isRelaxedEnvVarName(variable.name));
    if (variable.valueFrom) validateValueFrom(p, `${at}.valueFrom`, variable.valueFrom, Boolean(variable.value));
  }
  for (const [i, source] of (envFrom ?? []).entries()) {
    const at = `${path}.envFrom[${i}]`;
    if (source.prefix) p.all(`${at}.prefix`, source.prefix, isRelaxedEnvVarName(source.prefix));
    let sources = 0;
    for (const name of ['configMapRef', 'secretRef'] as const) {
      const ref = source[name];
      if (!ref) continue;
      sources++;
      if (!ref.name) p.required(`${at}.${name}.name`);
      else p.all(`${at}.${name}.name`, ref.name, isDns1123Subdomain(ref.name));
    }
    if (sources === 0) p.invalid(`${path}.envFrom`, '', 'must specify one of: `configMapRef` or `secretRef`');
    else if (sources > 1) p.invalid(`${path}.envFrom`, '', 'may not have more than one field specified at a time');
  }
}
