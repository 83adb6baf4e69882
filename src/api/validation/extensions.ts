import { wasEmpty } from '../canonical.ts';
import { sameValue } from '../equal.ts';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../gen/admissionregistration-v1.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  JSONSchemaProps,
} from '../gen/apiextensions-v1.ts';
import { isDns1035Label, isDns1123Subdomain } from '../names.ts';
import { type NameRule, validateSelector } from './metadata.ts';
import type { Problems } from './problems.ts';

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const scopes = ['*', 'Cluster', 'Namespaced'];
const matchPolicies = ['Equivalent', 'Exact'];
const failurePolicies = ['Fail', 'Ignore'];

function known(p: Problems, path: string, value: string | undefined, supported: readonly string[]): void {
  if (value !== undefined && !supported.includes(value)) p.unsupported(path, value, supported);
}

function validateRule(p: Problems, path: string, rule: RuleWithOperations): void {
  if (!rule.operations?.length) p.required(`${path}.operations`);
  for (const field of ['apiGroups', 'apiVersions', 'resources'] as const) {
    if (!rule[field]?.length) p.required(`${path}.${field}`);
    else if (field !== 'apiGroups') {
      for (const [i, value] of (rule[field] ?? []).entries()) if (value === '') p.required(`${path}.${field}[${i}]`);
    }
    if (field !== 'resources' && (rule[field]?.length ?? 0) > 1 && rule[field]?.includes('*')) {
      const name = field === 'apiGroups' ? 'apiGroups' : 'apiVersions';
      p.invalid(
        `${path}.${field}`,
        rule[field],
        `if '*' is present, must not specify other ${name === 'apiGroups' ? 'API groups' : 'API versions'}`,
      );
    }
  }
  for (const [i, operation] of (rule.operations ?? []).entries()) {
    if (!operations.includes(operation)) p.unsupported(`${path}.operations[${i}]`, operation, operations);
  }
  known(p, `${path}.scope`, rule.scope, scopes);
}

function validateClient(p: Problems, path: string, client: MutatingWebhook['clientConfig']): void {
  const { url, service } = client;
  if ((url === undefined) === (service === undefined)) {
    p.required(path, 'exactly one of url or service is required');
  } else if (url !== undefined) validateUrl(p, `${path}.url`, url);
  else if (service) {
    if (!service.name) p.required(`${path}.service.name`, 'service name is required');
    if (!service.namespace) p.required(`${path}.service.namespace`, 'service namespace is required');
    const port = service.port ?? 443;
    if (port < 1 || port > 65535) {
      p.invalid(`${path}.service.port`, port, 'port is not valid: must be between 1 and 65535, inclusive');
    }
    if (service.path) validateServicePath(p, `${path}.service.path`, service.path);
  }
}

function validateServicePath(p: Problems, at: string, path: string): void {
  if (path === '/') return;
  if (path === '//') {
    p.invalid(at, path, 'segment[0] may not be empty');
    return;
  }
  if (!path.startsWith('/')) p.invalid(at, path, "must start with a '/'");
  for (const [i, step] of path.slice(1).replace(/\/$/, '').split('/').entries()) {
    if (step === '') p.invalid(at, path, `segment[${i}] may not be empty`);
    else for (const why of isDns1123Subdomain(step)) p.invalid(at, path, `segment[${i}]: ${why}`);
  }
}

function validateUrl(p: Problems, path: string, text: string): void {
  const form = '; desired format: https://host[/path]';
  const [, scheme = '', rest = ''] = /^(?:([A-Za-z][\w+.-]*):)?(?:\/\/([^/?#]*))?/.exec(text) ?? [];
  if (scheme !== 'https') p.invalid(path, scheme, `'https' is the only allowed URL scheme${form}`);
  if (rest === '') p.invalid(path, rest, `host must be specified${form}`);
  if (rest.includes('@')) p.invalid(path, rest.split('@')[0], 'user information is not permitted in the URL');
}

export function validateWebhooks(p: Problems, { webhooks = [] }: MutatingWebhookConfiguration): void {
  const names = new Set<string>();
  for (const [i, hook] of webhooks.entries()) {
    const at = `webhooks[${i}]`;
    validateWebhook(p, at, hook);
    if (hook.name && names.has(hook.name)) p.duplicate(`${at}.name`, hook.name);
    names.add(hook.name);
  }
}

function validateWebhook(p: Problems, at: string, hook: MutatingWebhook): void {
  if (!hook.name) p.required(`${at}.name`);
  else {
    p.all(`${at}.name`, hook.name, isDns1123Subdomain(hook.name));
    if (hook.name.split('.').length < 3 && isDns1123Subdomain(hook.name).length === 0) {
      p.invalid(`${at}.name`, hook.name, 'should be a domain with at least three segments separated by dots');
    }
  }
  for (const [j, rule] of (hook.rules ?? []).entries()) validateRule(p, `${at}.rules[${j}]`, rule);
  known(p, `${at}.failurePolicy`, hook.failurePolicy, failurePolicies);
  known(p, `${at}.matchPolicy`, hook.matchPolicy, matchPolicies);
  const effects = ['None', 'NoneOnDryRun'];
  if (hook.sideEffects === undefined || hook.sideEffects === null) {
    p.required(`${at}.sideEffects`, `must specify one of ${effects.join(', ')}`);
  } else known(p, `${at}.sideEffects`, hook.sideEffects, effects);
  const seconds = hook.timeoutSeconds;
  if (seconds !== undefined && (seconds < 1 || seconds > 30)) {
    p.invalid(`${at}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds');
  }
  validateSelector(p, hook.namespaceSelector, `${at}.namespaceSelector`);
  validateSelector(p, hook.objectSelector, `${at}.objectSelector`);
  validateClient(p, `${at}.clientConfig`, hook.clientConfig ?? {});
  validateReviewVersions(p, `${at}.admissionReviewVersions`, hook.admissionReviewVersions ?? []);
  known(p, `${at}.reinvocationPolicy`, hook.reinvocationPolicy, ['IfNeeded', 'Never']);
}

function validateReviewVersions(p: Problems, path: string, versions: readonly string[]): void {
  if (versions.length === 0) {
    p.required(path, 'must specify one of v1, v1beta1');
    return;
  }
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) p.invalid(`${path}[${i}]`, version, 'duplicate version');
    else p.all(`${path}[${i}]`, version, isDns1035Label(version));
  }
  if (!versions.includes('v1') && !versions.includes('v1beta1')) {
    p.invalid(path, versions, 'must include at least one of v1, v1beta1');
  }
}

function validatePolicyScope(p: Problems, spec: NonNullable<ValidatingAdmissionPolicy['spec']>): void {
  known(p, 'spec.failurePolicy', spec.failurePolicy, failurePolicies);
  if (spec.paramKind) {
    if (!spec.paramKind.apiVersion) p.required('spec.paramKind.apiVersion');
    if (!spec.paramKind.kind) p.required('spec.paramKind.kind');
  }
  const at = 'spec.matchConstraints';
  const constraints = spec.matchConstraints;
  if (!constraints) p.required(at);
  else {
    known(p, `${at}.matchPolicy`, constraints.matchPolicy, matchPolicies);
    validateSelector(p, constraints.namespaceSelector, `${at}.namespaceSelector`);
    validateSelector(p, constraints.objectSelector, `${at}.objectSelector`);
    if (!constraints.resourceRules?.length) p.required(`${at}.resourceRules`);
    for (const [i, rule] of (constraints.resourceRules ?? []).entries()) {
      validateRule(p, `${at}.resourceRules[${i}]`, rule as RuleWithOperations);
    }
  }
}

export function validateAdmissionPolicy(p: Problems, { spec = {} }: ValidatingAdmissionPolicy): void {
  validatePolicyScope(p, spec);
  if (!spec.validations?.length && !spec.auditAnnotations?.length) {
    const why = 'validations or auditAnnotations must contain at least one item';
    p.required('spec.validations', why);
    p.required('spec.auditAnnotations', why);
  }
  for (const [i, validation] of (spec.validations ?? []).entries()) {
    const field = `spec.validations[${i}]`;
    if (!validation.expression?.trim()) p.required(`${field}.expression`, 'expression is not specified');
    known(p, `${field}.reason`, validation.reason, ['Forbidden', 'Invalid', 'RequestEntityTooLarge']);
  }
}

type ParamRef = NonNullable<ValidatingAdmissionPolicyBinding['spec']>['paramRef'];

function validateParamRef(p: Problems, ref: ParamRef): void {
  if (!ref) return;
  if (ref.name && ref.selector) p.forbidden('spec.paramRef.name', 'name and selector are mutually exclusive');
  if (!ref.name && !ref.selector) p.required('spec.paramRef', 'one of name or selector must be specified');
  if (!ref.parameterNotFoundAction) p.required('spec.paramRef.parameterNotFoundAction');
}

export function validatePolicyBinding(p: Problems, { spec }: ValidatingAdmissionPolicyBinding): void {
  if (!spec) return;
  if (!spec.policyName) p.required('spec.policyName');
  else p.all('spec.policyName', spec.policyName, isDns1123Subdomain(spec.policyName));
  validateParamRef(p, spec.paramRef);
  const actions = spec.validationActions ?? [];
  if (actions.length === 0) p.required('spec.validationActions', 'at least one validation action is required');
  for (const [i, action] of actions.entries()) {
    known(p, `spec.validationActions[${i}]`, action, ['Audit', 'Deny', 'Warn']);
    if (actions.indexOf(action) < i) p.duplicate(`spec.validationActions[${i}]`, action);
  }
}

export function validateMutatingPolicy(p: Problems, { spec = {} }: MutatingAdmissionPolicy): void {
  validatePolicyScope(p, spec);
  const noDelete = ['*', 'CONNECT', 'CREATE', 'UPDATE'];
  for (const rule of spec.matchConstraints?.resourceRules ?? []) {
    for (const operation of rule.operations ?? []) {
      if (!noDelete.includes(operation))
        p.unsupported('spec.matchConstraints.resourceRules.operations', operation, noDelete);
    }
  }
}

export function validateMutatingBinding(p: Problems, { spec = {} }: MutatingAdmissionPolicyBinding): void {
  if (!spec.policyName) p.required('spec.policyName');
  else p.all('spec.policyName', spec.policyName, isDns1123Subdomain(spec.policyName));
  validateParamRef(p, spec.paramRef);
}

const mixedCase = 'may have mixed case, but should otherwise match: ';

/** A definition is called after what it defines. */
export const definitionNames =
  ({ spec }: CustomResourceDefinition): NameRule =>
  (name) => {
    const wrong = isDns1123Subdomain(name.endsWith('-') ? `${name.slice(0, -1)}a` : name);
    const same = name === `${spec?.names?.plural ?? ''}.${spec?.group ?? ''}`;
    return same ? wrong : [...wrong, 'must be spec.names.plural+"."+spec.group'];
  };

export function validateDefinition(
  p: Problems,
  { spec, status }: CustomResourceDefinition,
  old?: CustomResourceDefinition,
): void {
  const names = spec.names ?? { plural: '', kind: '' };
  validateDefinitionSpec(p, spec);
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) {
    p.invalid('status.storedVersions', null, 'must have at least one stored version');
  } else validateStoredVersions(p, stored, spec.versions ?? []);
  if (!old) return;
  p.immutable('spec.scope', spec.scope, spec.scope === old.spec.scope);
  p.immutable('spec.group', spec.group, spec.group === old.spec.group);
  p.immutable('spec.names.kind', names.kind, names.kind === old.spec.names.kind);
  p.immutable('spec.names.plural', names.plural, names.plural === old.spec.names.plural);
}

function validateDefinitionSpec(p: Problems, spec: CustomResourceDefinitionSpec): void {
  if (!spec.group) p.required('spec.group');
  else {
    p.all('spec.group', spec.group, isDns1123Subdomain(spec.group));
    if (!spec.group.includes('.') && isDns1123Subdomain(spec.group).length === 0) {
      p.invalid('spec.group', spec.group, 'should be a domain with at least one dot');
    }
  }
  p.oneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced']);
  validateVersions(p, spec);
  validateDefinitionNames(p, spec);
  const strategy = spec.conversion?.strategy;
  if (spec.conversion) p.oneOf('spec.conversion.strategy', strategy, ['None', 'Webhook']);
  const isHook = strategy === 'Webhook';
  if (isHook && !spec.conversion?.webhook?.clientConfig) {
    const why =
      'required when strategy is set to Webhook, but not allowed because the CustomResourceWebhookConversion feature is disabled';
    p.required('spec.conversion.webhookClientConfig', why.slice(0, why.indexOf(',')));
  }
}

function validateVersions(p: Problems, spec: CustomResourceDefinitionSpec): void {
  const versions = spec.versions ?? [];
  const single = versions.length === 1;
  for (const [i, version] of versions.entries()) {
    const at = `spec.versions[${i}]`;
    const schema = version.schema?.openAPIV3Schema;
    const schemaPath = single ? 'spec.validation.openAPIV3Schema' : `${at}.schema.openAPIV3Schema`;
    if (!schema) p.required(`${at}.schema.openAPIV3Schema`);
    if (version.deprecationWarning !== undefined && !version.deprecated) {
      p.invalid(`${at}.deprecationWarning`, version.deprecationWarning, 'can only be set for deprecated versions');
    }
    const wrong = isDns1035Label(version.name ?? '');
    p.all(`${at}.name`, version.name ?? '', wrong);
    if (i === 0 && version.name) p.all('spec.version', version.name, wrong);
    if (schema) validateSchema(p, schemaPath, schema, true);
  }
  const shown = versions.length > 0 ? versions.map((v) => shownVersion(v, versions)) : (spec.versions ?? null);
  if (new Set(versions.map((v) => v.name)).size < versions.length) {
    p.invalid('spec.versions', shown, 'must contain unique version names');
  }
  if (versions.filter((v) => v.storage).length !== 1) {
    p.invalid('spec.versions', shown, 'must have exactly one version marked as storage version');
  }
}

function validateStoredVersions(p: Problems, stored: readonly string[], versions: readonly Version[]): void {
  const left = new Map(stored.map((name, i) => [name, i]));
  for (const { name, storage } of versions) {
    const known = left.delete(name);
    if (storage && !known) p.invalid('status.storedVersions', stored, `must have the storage version ${name}`);
  }
  for (const [name, i] of left) {
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions`;
    const until = `until a storage migration ensures no data remains persisted in ${name} and removes ${name} from`;
    p.invalid(`status.storedVersions[${i}]`, name, `${why} ${until} status.storedVersions`);
  }
}

type Version = NonNullable<CustomResourceDefinitionSpec['versions']>[number];

/** A version as messages show it: in the inner form, where what all versions share stands outside of them. */
function shownVersion(version: Version, all: readonly Version[]): object {
  const own = <K extends keyof Version>(field: K): unknown =>
    all.every((other) => sameValue(other[field], version[field])) ? null : (version[field] ?? null);
  return {
    Name: version.name ?? '',
    Served: version.served ?? false,
    Storage: version.storage ?? false,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: own('schema'),
    Subresources: own('subresources'),
    AdditionalPrinterColumns: own('additionalPrinterColumns'),
    SelectableFields: own('selectableFields'),
  };
}

function validateDefinitionNames(p: Problems, { names }: CustomResourceDefinitionSpec): void {
  const lower = (field: 'plural' | 'singular'): void => {
    const value = names?.[field];
    if (!value) p.required(`spec.names.${field}`);
    else p.all(`spec.names.${field}`, value, isDns1035Label(value));
  };
  const mixed = (field: 'kind' | 'listKind'): void => {
    const value = names?.[field];
    if (!value) {
      p.required(`spec.names.${field}`);
      return;
    }
    const wrong = isDns1035Label(value.toLowerCase());
    if (wrong.length > 0) p.invalid(`spec.names.${field}`, value, mixedCase + wrong.join(','));
  };
  lower('plural');
  lower('singular');
  mixed('kind');
  mixed('listKind');
  for (const [i, name] of (names?.shortNames ?? []).entries())
    p.all(`spec.names.shortNames[${i}]`, name, isDns1035Label(name));
  for (const [i, name] of (names?.categories ?? []).entries())
    p.all(`spec.names.categories[${i}]`, name, isDns1035Label(name));
}

const schemaTypes = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const unsupportedFields = ['$ref', 'dependencies', 'id', 'definitions', 'patternProperties'] as const;
const outermost = /^spec\.(validation\.openAPIV3Schema|versions\[\d+\]\.schema\.openAPIV3Schema)/;

/** The rules of structural schemas that a definition has to keep. */
function validateSchema(p: Problems, path: string, schema: JSONSchemaProps, root: boolean): void {
  const s = schema as JSONSchemaProps & Record<string, unknown>;
  for (const field of unsupportedFields)
    if (s[field] !== undefined || (field === 'dependencies' && wasEmpty(s, field)))
      p.forbidden(`${path}.${field}`, `${field} is not supported`);
  if (s.$schema) {
    const [at = path] = outermost.exec(path) ?? [];
    p.invalid(at, '', "OpenAPIV3Schema 'schema' is not supported");
  }
  const free = s['x-kubernetes-preserve-unknown-fields'] === true || s['x-kubernetes-int-or-string'] === true;
  if (!s.type) {
    if (root) p.required(`${path}.type`, 'must not be empty at the root');
    else if (!free) p.required(`${path}.type`, 'must not be empty for specified object fields');
  } else {
    if (root && s.type !== 'object') p.invalid(`${path}.type`, s.type, 'must be object at the root');
    if (!schemaTypes.includes(s.type)) p.unsupported(`${path}.type`, s.type, schemaTypes);
  }
  const listType = s['x-kubernetes-list-type'] as string | undefined;
  if (listType !== undefined) {
    if (s.type !== 'array')
      p.invalid(`${path}.type`, s.type ?? '', 'must be array if x-kubernetes-list-type is specified');
    known(p, `${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']);
  }
  const mapType = s['x-kubernetes-map-type'] as string | undefined;
  if (mapType !== undefined) {
    if (s.type !== 'object')
      p.invalid(`${path}.type`, s.type ?? '', 'must be object if x-kubernetes-map-type is specified');
    known(p, `${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']);
  }
  if (s.type === 'array' && !s.items) p.required(`${path}.items`, 'must be specified');
  for (const [name, inner] of Object.entries(s.properties ?? {})) {
    validateSchema(p, `${path}.properties[${name}]`, inner, false);
  }
  const { items, additionalProperties: more } = s as { items?: unknown; additionalProperties?: unknown };
  if (isSchema(items)) validateSchema(p, `${path}.items`, items, false);
  if (isSchema(more)) validateSchema(p, `${path}.additionalProperties`, more, false);
}

const isSchema = (value: unknown): value is JSONSchemaProps =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
