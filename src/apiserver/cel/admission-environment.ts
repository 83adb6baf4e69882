import type { Environment } from './environment.ts';
import { newEnvironment } from './environment.ts';
import { addPatchLibrary } from './library/strings.ts';
import { dynType, stringType, structType, type Type } from './types.ts';

const strings = 'list<string>';

/** What expressions know of a request and of a namespace. Upstream: `admission/plugin/cel/compile.go`. */
const structs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  GroupVersionKind: { group: 'string', version: 'string', kind: 'string' },
  GroupVersionResource: { group: 'string', version: 'string', resource: 'string' },
  UserInfo: { username: 'string', uid: 'string', groups: strings, extra: `map<string, ${strings}>` },
  AdmissionRequest: {
    kind: 'kubernetes.GroupVersionKind',
    resource: 'kubernetes.GroupVersionResource',
    subResource: 'string',
    requestKind: 'kubernetes.GroupVersionKind',
    requestResource: 'kubernetes.GroupVersionResource',
    requestSubResource: 'string',
    name: 'string',
    namespace: 'string',
    operation: 'string',
    userInfo: 'kubernetes.UserInfo',
    dryRun: 'bool',
    options: 'dyn',
  },
  NamespaceSpec: { finalizers: strings },
  NamespaceCondition: {
    status: 'string',
    type: 'string',
    lastTransitionTime: 'timestamp',
    message: 'string',
    reason: 'string',
  },
  NamespaceStatus: { conditions: 'list<kubernetes.NamespaceCondition>', phase: 'string' },
  NamespaceMetadata: {
    name: 'string',
    generateName: 'string',
    namespace: 'string',
    labels: 'map<string, string>',
    annotations: 'map<string, string>',
    UID: 'string',
    creationTimestamp: 'timestamp',
    deletionGracePeriodSeconds: 'int',
    deletionTimestamp: 'timestamp',
    generation: 'int',
    resourceVersion: 'string',
    finalizers: strings,
  },
  Namespace: {
    metadata: 'kubernetes.NamespaceMetadata',
    spec: 'kubernetes.NamespaceSpec',
    status: 'kubernetes.NamespaceStatus',
  },
};

const patchFields: Readonly<Record<string, Type>> = {
  op: stringType,
  path: stringType,
  from: stringType,
  value: dynType,
};

/** Upstream has every other field too, of a type that nothing is of. */
const unspecified: Type = structType('');

export interface AdmissionNames {
  readonly params?: boolean;
  readonly authorizer?: boolean;
  /** `Object{…}` and `JSONPatch{…}`. */
  readonly patches?: boolean;
}

const known = new Map<string, Environment>();

/** What an expression of a webhook or policy may name. One that is asked for again is the same. */
export function admissionEnvironment({
  params = false,
  authorizer = false,
  patches = false,
}: AdmissionNames): Environment {
  const key = [params, authorizer, patches].join();
  const found = known.get(key);
  if (found) return found;
  const environment = newEnvironment();
  for (const [name, fields] of Object.entries(structs)) environment.registerType(`kubernetes.${name}`, fields);
  environment
    .registerVariable('object', 'dyn')
    .registerVariable('oldObject', 'dyn')
    .registerVariable('namespaceObject', 'kubernetes.Namespace')
    .registerVariable('request', 'kubernetes.AdmissionRequest');
  if (params) environment.registerVariable('params', 'dyn');
  if (authorizer) {
    environment
      .registerVariable('authorizer', 'kubernetes.authorization.Authorizer')
      .registerVariable('authorizer.requestResource', 'kubernetes.authorization.ResourceCheck');
  }
  if (patches) {
    addPatchLibrary(environment)
      .registerType('JSONPatch', { fieldOf: (name) => patchFields[name] ?? unspecified })
      .registerTypesUnder('Object', { fieldOf: () => dynType });
  }
  known.set(key, environment);
  return environment;
}

/** The same with `variables`, whose types become known one after the other. */
export function withVariables(environment: Environment, types: ReadonlyMap<string, Type>): Environment {
  return environment
    .clone()
    .registerType('kubernetes.variables', { fieldOf: (name) => types.get(name) })
    .registerVariable('variables', 'kubernetes.variables');
}
