import { readFileSync } from 'node:fs';

/** Names a kind in one version; `Resource` handles are one too. */
export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What a value of a type is, in the words of the decoder. */
export type Shape =
  | 'struct'
  | 'map'
  | 'list'
  | 'string'
  | 'bytes'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'double'
  | 'quantity'
  | 'int-or-string'
  | 'time'
  | 'micro-time'
  /** A JSON schema, or a list of them, a boolean or a list of names in its place. */
  | 'json-schema'
  | 'any';

/**
 * When a field appears in the canonical form. `optional`: when it is not the zero value (empty text, 0, false, empty
 * list or map). `pointer`: when it is given at all. `always`: also as zero value; `always-null`: as null when absent.
 */
export type Presence = 'optional' | 'pointer' | 'always' | 'always-null';

/** One type, compiled from the facts. Nested types are compiled when first asked for. */
export interface TypeSchema {
  readonly shape: Shape;
  /** The OpenAPI name of a struct, otherwise ''. */
  readonly name: string;
  /** Fields of a struct by their JSON name. */
  readonly fields: ReadonlyMap<string, FieldSchema>;
  /** Type of a list's items or a map's values. */
  readonly items: TypeSchema | undefined;
  readonly gvks: readonly GroupVersionKind[];
  /** Fields that appear even when nothing is given for them. */
  readonly always: readonly FieldSchema[];
  /** What upstream's error messages call the type. */
  readonly goType: string;
  /** Whether its fields have one owner together. */
  readonly atomic: boolean;
  /**
   * Of a value without a type: ownership goes into objects (lists stay atomic); otherwise it is atomic. Of a struct:
   * fields that it does not name are kept, and are such values.
   */
  readonly deduced?: boolean;
}

/** The type of a value of which nothing is known. */
export const untyped = (more: Pick<TypeSchema, 'deduced'> & Partial<Pick<TypeSchema, 'goType'>>): TypeSchema => ({
  shape: 'any',
  name: '',
  fields: new Map(),
  items: undefined,
  gvks: [],
  always: [],
  goType: '',
  atomic: false,
  ...more,
});

export interface FieldSchema {
  readonly name: string;
  readonly type: TypeSchema;
  readonly required: boolean;
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listMapKeys: readonly string[];
  readonly mapType: 'atomic' | 'granular' | undefined;
  readonly patchStrategy: readonly string[];
  readonly patchMergeKey: string | undefined;
  readonly default: unknown;
  readonly presence: Presence;
  /** Belongs to a feature that is off: values are checked and left out. */
  readonly dropped?: boolean;
  /** What upstream's messages call the type, where that is not the type's own name. */
  readonly goType?: string;
  /** The name, after those of the structs that upstream embeds it through; where there are any. */
  readonly goPath?: string;
}

interface Fact {
  type?: string;
  format?: string;
  ref?: string;
  items?: Fact;
  additionalProperties?: Fact | boolean;
  properties?: Record<string, Fact>;
  required?: string[];
  default?: unknown;
  'x-kubernetes-group-version-kind'?: GroupVersionKind[];
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
}

const shapesByName: Readonly<Record<string, Shape>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'micro-time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'any',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'any',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'any',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray': 'json-schema',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool': 'json-schema',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray': 'json-schema',
};

const presenceByMark: Readonly<Record<string, Presence>> = {
  o: 'optional',
  p: 'pointer',
  a: 'always',
  s: 'always',
  z: 'optional',
  N: 'always-null',
};

let facts: Record<string, Fact> | undefined;
/** By type name and field: a mark for its presence and the Go type's name, where they are not the usual ones. */
let goFields: Record<string, Record<string, string>> = {};
let namesByKind: Map<string, string> | undefined;
const compiled = new Map<string, TypeSchema>();
const noFields: ReadonlyMap<string, FieldSchema> = new Map();

function loadFacts(): Record<string, Fact> {
  if (!facts) {
    const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
    facts = (read('./facts/openapi-types.json') as { types: Record<string, Fact> }).types;
    goFields = read('./facts/go-fields.json') as typeof goFields;
  }
  return facts;
}

export const kindKey = (gvk: GroupVersionKind): string => `${gvk.group}/${gvk.version}/${gvk.kind}`;

/** `apps/v1` + `Deployment` as a GroupVersionKind. */
export function parseKind(apiVersion: string, kind: string): GroupVersionKind {
  const slash = apiVersion.indexOf('/');
  if (slash < 0) return { group: '', version: apiVersion, kind };
  return { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind };
}

/** The type of a built-in kind; undefined for kinds that the facts do not know (custom resources). */
export function schemaOf(gvk: GroupVersionKind): TypeSchema | undefined {
  if (!namesByKind) {
    namesByKind = new Map();
    for (const [name, fact] of Object.entries(loadFacts())) {
      for (const g of fact['x-kubernetes-group-version-kind'] ?? []) namesByKind.set(kindKey(g), name);
    }
  }
  const name = namesByKind.get(kindKey(gvk));
  return name === undefined ? undefined : namedType(name);
}

/** A type by its OpenAPI name, as `io.k8s.api.core.v1.PodSpec`. Throws when the facts do not have it. */
export function namedType(name: string): TypeSchema {
  const known = compiled.get(name);
  if (known) return known;
  const fact = loadFacts()[name];
  if (!fact) throw new Error(`the facts have no type ${name}`);
  const shape = shapesByName[name] ?? (fact.properties ? 'struct' : shapeOf(fact));
  const type = new Compiled(shape, name, fact);
  compiled.set(name, type);
  return type;
}

class Compiled implements TypeSchema {
  readonly shape: Shape;
  readonly name: string;
  readonly #fact: Fact;
  #fields: Map<string, FieldSchema> | undefined;
  #always: FieldSchema[] | undefined;
  #items: TypeSchema | undefined;

  constructor(shape: Shape, name: string, fact: Fact) {
    this.shape = shape;
    this.name = name;
    this.#fact = fact;
  }

  get fields(): ReadonlyMap<string, FieldSchema> {
    if (this.shape !== 'struct') return noFields;
    this.#fields ??= new Map(
      Object.entries(this.#fact.properties ?? {}).map(([name, f]) => [
        name,
        {
          ...fieldOf(name, f, this.#fact.required?.includes(name) ?? false, goFields[this.name]?.[name]),
          dropped: dropped[this.name]?.includes(name) ?? false,
        },
      ]),
    );
    return this.#fields;
  }

  get always(): readonly FieldSchema[] {
    this.#always ??= [...this.fields.values()].filter((f) => f.presence.startsWith('always'));
    return this.#always;
  }

  get atomic(): boolean {
    return this.#fact['x-kubernetes-map-type'] === 'atomic';
  }

  get goType(): string {
    switch (this.shape) {
      case 'list':
        return `[]${this.items?.goType ?? ''}`;
      case 'map':
        return `map[string]${this.items?.goType ?? ''}`;
      case 'boolean':
        return 'bool';
      case 'double':
        return 'float64';
      case 'bytes':
        return '[]uint8';
      case 'string':
      case 'int32':
      case 'int64':
        return this.shape;
      default:
        return this.name.split('.').slice(-2).join('.');
    }
  }

  get items(): TypeSchema | undefined {
    const inner = this.shape === 'list' ? this.#fact.items : this.#fact.additionalProperties;
    if (this.#items || typeof inner !== 'object') return this.#items;
    this.#items = typeOf(inner);
    return this.#items;
  }

  get gvks(): readonly GroupVersionKind[] {
    return this.#fact['x-kubernetes-group-version-kind'] ?? [];
  }
}

function shapeOf(fact: Fact): Shape {
  switch (fact.type) {
    case 'array':
      return 'list';
    case 'object':
      return typeof fact.additionalProperties === 'object' ? 'map' : 'any';
    case 'boolean':
      return 'boolean';
    case 'integer':
      return fact.format === 'int64' ? 'int64' : 'int32';
    case 'number':
      return 'double';
    case 'string':
      return fact.format === 'byte' ? 'bytes' : fact.format === 'int-or-string' ? 'int-or-string' : 'string';
    default:
      return 'any';
  }
}

function typeOf(fact: Fact): TypeSchema {
  return fact.ref ? namedType(fact.ref) : new Compiled(shapeOf(fact), '', fact);
}

/**
 * Fields of features that are off in this release, or gone: taken, and not kept.
 */
const dropped: Readonly<Record<string, readonly string[]>> = {
  'io.k8s.api.core.v1.PodSpec': ['schedulingGroup'],
  'io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy': ['maxUnavailable'],
  'io.k8s.api.core.v1.Lifecycle': ['stopSignal'],
  'io.k8s.api.core.v1.NodeSpec': ['configSource'],
  'io.k8s.api.core.v1.NodeStatus': ['config'],
  'io.k8s.api.core.v1.PodStatus': ['nodeAllocatableResourceClaimStatuses'],
  'io.k8s.api.core.v1.VolumeMountStatus': ['volumeStatus'],
  'io.k8s.api.core.v1.VolumeProjection': ['clusterTrustBundle', 'podCertificate'],
  'io.k8s.api.discovery.v1.Endpoint': ['deprecatedTopology'],
  'io.k8s.api.resource.v1.Device': ['nodeAllocatableResourceMappings'],
  'io.k8s.api.resource.v1.DeviceAttribute': ['bools', 'ints', 'strings', 'versions'],
  'io.k8s.api.storage.v1.CSIDriverSpec': ['preventPodSchedulingIfMissing'],
  'io.k8s.api.coordination.v1.LeaseSpec': ['preferredHolder', 'strategy'],
};

function fieldOf(name: string, fact: Fact, required: boolean, go: string | undefined): FieldSchema {
  const type = typeOf(fact);
  const [mark = '', goType = '', embeddedIn] = (go ?? '').split(' ');
  const structLike = fact.ref !== undefined && type.shape !== 'string';
  return {
    name,
    type,
    required,
    listType: fact['x-kubernetes-list-type'],
    listMapKeys: fact['x-kubernetes-list-map-keys'] ?? [],
    mapType: fact['x-kubernetes-map-type'],
    patchStrategy: fact['x-kubernetes-patch-strategy']?.split(',') ?? [],
    patchMergeKey: fact['x-kubernetes-patch-merge-key'],
    default: fact.default,
    presence: presenceByMark[mark] ?? (structLike ? 'pointer' : 'optional'),
    goType: goType || type.goType,
    goPath: embeddedIn ? `${embeddedIn}.${name}` : name,
  };
}
