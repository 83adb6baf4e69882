import { sameValue } from '../equal.ts';
import type {
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
} from '../gen/apiextensions-v1.ts';
import { isDns1035Label, isDns1123Subdomain } from '../names.ts';
import { validateDefinitionSchema } from './definition-schema.ts';
import type { NameRule } from './metadata.ts';
import type { Problems } from './problems.ts';
import { type Schema, structuralProblems } from './structural-schema.ts';
import { reviewVersions, validateClientConfig, validateVersionList } from './webhooks.ts';

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
  validateDefinitionSpec(p, spec, old?.spec);
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

function validateDefinitionSpec(
  p: Problems,
  spec: CustomResourceDefinitionSpec,
  old: CustomResourceDefinitionSpec | undefined,
): void {
  if (!spec.group) p.required('spec.group');
  else {
    p.all('spec.group', spec.group, isDns1123Subdomain(spec.group));
    if (!spec.group.includes('.') && isDns1123Subdomain(spec.group).length === 0) {
      p.invalid('spec.group', spec.group, 'should be a domain with at least one dot');
    }
  }
  p.oneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced']);
  validateVersions(p, spec);
  for (const field of nameFields) if (!spec.names?.[field]) p.required(`spec.names.${field}`);
  validateDefinitionNames(p, 'spec.names', spec.names);
  validateConversion(p, spec.conversion, old);
  if (spec.preserveUnknownFields && !old?.preserveUnknownFields) {
    const why =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
    p.invalid('spec.preserveUnknownFields', true, why);
  }
}

function validateConversion(
  p: Problems,
  conversion: CustomResourceConversion | undefined,
  old: CustomResourceDefinitionSpec | undefined,
): void {
  if (!conversion) return;
  const at = 'spec.conversion';
  const { strategy, webhook } = conversion;
  const versions = webhook?.conversionReviewVersions ?? [];
  p.oneOf(`${at}.strategy`, strategy, ['None', 'Webhook']);
  if (strategy !== 'Webhook') {
    const why = 'should not be set when strategy is not set to Webhook';
    if (webhook?.clientConfig) p.forbidden(`${at}.webhookClientConfig`, why);
    if (versions.length > 0) p.forbidden(`${at}.conversionReviewVersions`, why);
    return;
  }
  if (!webhook?.clientConfig) p.required(`${at}.webhookClientConfig`, 'required when strategy is set to Webhook');
  else validateClientConfig(p, `${at}.webhookClientConfig`, webhook.clientConfig);
  if (versions.length === 0) p.required(`${at}.conversionReviewVersions`);
  else {
    // What nobody understood before may stay so.
    const before = old?.conversion?.webhook?.conversionReviewVersions;
    const known = !before || before.some((version) => reviewVersions.includes(version));
    validateVersionList(p, `${at}.conversionReviewVersions`, versions, known);
  }
}

function validateDefinitionSubresources(p: Problems, path: string, version: Version): void {
  const scale = version.subresources?.scale;
  if (!scale) return;
  const simple = (field: keyof typeof scale, under: readonly string[], where: string): void => {
    const text = scale[field] ?? '';
    const at = `${path}.scale.${field}`;
    if (text === '') {
      if (field !== 'labelSelectorPath') p.required(at);
    } else if (!text.startsWith('.')) p.invalid(at, text, 'must be a simple json path starting with .');
    else if (!under.some((start) => text.startsWith(start)))
      p.invalid(at, text, `should be a json path under ${where}`);
  };
  simple('specReplicasPath', ['.spec.'], '.spec');
  simple('statusReplicasPath', ['.status.'], '.status');
  simple('labelSelectorPath', ['.spec.', '.status.'], 'either .spec or .status');
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function validateColumns(p: Problems, path: string, version: Version): void {
  for (const [i, column] of (version.additionalPrinterColumns ?? []).entries()) {
    const at = `${path}[${i}]`;
    const { name, type, format, jsonPath } = column;
    const types = `must be one of ${columnTypes.join(',')}`;
    if (!name) p.required(`${at}.name`);
    if (!type) p.required(`${at}.type`, types);
    else if (!columnTypes.includes(type)) p.invalid(`${at}.type`, type, types);
    if (format && !columnFormats.includes(format)) {
      p.invalid(`${at}.format`, format, `must be one of ${columnFormats.join(',')}`);
    }
    if (!jsonPath) p.required(`${at}.JSONPath`);
    else if (!jsonPath.startsWith('.')) {
      p.invalid(`${at}.JSONPath`, jsonPath, 'must be a simple json path starting with .');
    }
  }
}

/** Where messages say that something of a version stands: what all have alike, they have from above. */
export function versionPaths({ versions = [] }: CustomResourceDefinitionSpec) {
  const shared = (field: keyof Version): boolean =>
    versions.every((version) => sameValue(version[field], versions[0]?.[field]));
  const place = (i: number, field: keyof Version, above: string): string =>
    shared(field) ? `spec.${above}` : `spec.versions[${i}].${field}`;
  return {
    /** Whether this version's is the one to look at. */
    isFirst: (i: number, field: keyof Version): boolean => i === 0 || !shared(field),
    schema: (i: number): string => `${place(i, 'schema', 'validation')}.openAPIV3Schema`,
    subresources: (i: number): string => place(i, 'subresources', 'subresources'),
    columns: (i: number): string => place(i, 'additionalPrinterColumns', 'additionalPrinterColumns'),
    selectable: (i: number): string => place(i, 'selectableFields', 'selectableFields'),
  };
}

function validateVersions(p: Problems, spec: CustomResourceDefinitionSpec): void {
  const versions = spec.versions ?? [];
  const paths = versionPaths(spec);
  for (const [i, version] of versions.entries()) {
    const at = `spec.versions[${i}]`;
    const schema = version.schema?.openAPIV3Schema;
    if (!schema) p.required(`${at}.schema.openAPIV3Schema`);
    if (version.deprecationWarning !== undefined && !version.deprecated) {
      p.invalid(`${at}.deprecationWarning`, version.deprecationWarning, 'can only be set for deprecated versions');
    }
    const wrong = isDns1035Label(version.name ?? '').join(',');
    if (wrong !== '') p.invalid(`${at}.name`, version.name ?? '', wrong);
    if (i === 0 && version.name && wrong !== '') p.invalid('spec.version', version.name, wrong);
    if (schema && paths.isFirst(i, 'schema')) {
      p.causes.push(...structuralProblems(paths.schema(i), schema).causes);
      validateDefinitionSchema(p, paths.schema(i), schema as unknown as Schema);
      if (schema.nullable) p.forbidden(`${paths.schema(i)}.nullable`, 'nullable cannot be true at the root');
    }
    if (paths.isFirst(i, 'subresources')) validateDefinitionSubresources(p, paths.subresources(i), version);
    if (paths.isFirst(i, 'additionalPrinterColumns')) validateColumns(p, paths.columns(i), version);
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

const nameFields = ['plural', 'singular', 'kind', 'listKind'] as const;

type Names = Partial<NonNullable<CustomResourceDefinitionSpec['names']>>;

function validateDefinitionNames(p: Problems, at: string, names: Names | undefined): void {
  const joined = (path: string, value: string, wrong: readonly string[], intro = ''): void => {
    if (wrong.length > 0) p.invalid(`${at}.${path}`, value, intro + wrong.join(','));
  };
  for (const field of nameFields) {
    const value = names?.[field];
    if (!value) continue;
    const isMixed = field === 'kind' || field === 'listKind';
    joined(field, value, isDns1035Label(isMixed ? value.toLowerCase() : value), isMixed ? mixedCase : '');
  }
  if (names?.kind && names.kind === names.listKind) {
    p.invalid(`${at}.listKind`, names.listKind, 'kind and listKind may not be the same');
  }
  for (const list of ['shortNames', 'categories'] as const) {
    for (const [i, name] of (names?.[list] ?? []).entries()) joined(`${list}[${i}]`, name, isDns1035Label(name));
  }
}

/** Not all names have to be accepted. */
export function validateDefinitionStatus(p: Problems, { status }: CustomResourceDefinition): void {
  validateDefinitionNames(p, 'status.acceptedNames', status?.acceptedNames);
}
