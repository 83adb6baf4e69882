import { wasEmpty } from '../canonical.ts';
import { sameValue } from '../equal.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  JSONSchemaProps,
} from '../gen/apiextensions-v1.ts';
import { isDns1035Label, isDns1123Subdomain } from '../names.ts';
import type { NameRule } from './metadata.ts';
import type { Problems } from './problems.ts';

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
    p.known(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']);
  }
  const mapType = s['x-kubernetes-map-type'] as string | undefined;
  if (mapType !== undefined) {
    if (s.type !== 'object')
      p.invalid(`${path}.type`, s.type ?? '', 'must be object if x-kubernetes-map-type is specified');
    p.known(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']);
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
