import { readFileSync } from 'node:fs';

/** What a field holds, on the wire and in JSON. */
export type FieldKind = 'string' | 'bytes' | 'bool' | 'int32' | 'int64' | 'double' | 'message' | 'map';

/** Messages whose JSON form is not an object of their fields. */
export type Special =
  | 'time'
  | 'micro-time'
  | 'quantity'
  | 'int-or-string'
  | 'raw'
  | 'strings'
  | 'schema-or-bool'
  | 'schema-or-array'
  | 'schema-or-strings'
  | 'duration';

export interface WireField {
  readonly name: string;
  readonly id: number;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** Its fields stand in the JSON of the message around it. */
  readonly inline: boolean;
  /** Of a message, or of a map's values when they are messages. */
  readonly message: Message | undefined;
  /** Of a map's values. */
  readonly valueKind: FieldKind;
}

export interface Message {
  readonly name: string;
  readonly special: Special | undefined;
  /** In ascending order of their numbers. */
  readonly fields: readonly WireField[];
  /** By number. */
  readonly byId: readonly (WireField | undefined)[];
}

interface FactField {
  type: string;
  id: number;
  rule?: string;
  keyType?: string;
}
interface FactNode {
  fields?: Record<string, FactField>;
  nested?: Record<string, FactNode>;
}

const meta = 'k8s.io.apimachinery.pkg.apis.meta.v1';
const extensions = 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1';
const specials: Readonly<Record<string, Special>> = {
  [`${meta}.Time`]: 'time',
  [`${meta}.MicroTime`]: 'micro-time',
  [`${meta}.Duration`]: 'duration',
  [`${meta}.FieldsV1`]: 'raw',
  [`${meta}.Verbs`]: 'strings',
  'k8s.io.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'k8s.io.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
  'k8s.io.apimachinery.pkg.runtime.RawExtension': 'raw',
  [`${extensions}.JSON`]: 'raw',
  [`${extensions}.JSONSchemaPropsOrBool`]: 'schema-or-bool',
  [`${extensions}.JSONSchemaPropsOrArray`]: 'schema-or-array',
  [`${extensions}.JSONSchemaPropsOrStringArray`]: 'schema-or-strings',
};

/** Fields that upstream embeds: message name without package, field. */
const inlined = new Set([
  'ConfigMapEnvSource.localObjectReference',
  'ConfigMapKeySelector.localObjectReference',
  'ConfigMapProjection.localObjectReference',
  'ConfigMapVolumeSource.localObjectReference',
  'DeviceAllocationConfiguration.deviceConfiguration',
  'DeviceClaimConfiguration.deviceConfiguration',
  'DeviceClassConfiguration.deviceConfiguration',
  'EphemeralContainer.ephemeralContainerCommon',
  'IngressRule.ingressRuleValue',
  'NamedRuleWithOperations.ruleWithOperations',
  'PersistentVolumeSpec.persistentVolumeSource',
  'Probe.handler',
  'RuleWithOperations.rule',
  'SecretEnvSource.localObjectReference',
  'SecretKeySelector.localObjectReference',
  'SecretProjection.localObjectReference',
  'Volume.volumeSource',
]);

/** JSON names that differ from the message's. */
const renamed: Readonly<Record<string, string>> = {
  Expression: 'expression',
  Name: 'name',
  Webhooks: 'webhooks',
  aPIGroup: 'apiGroup',
  uID: 'uid',
};
const schemaNames: Readonly<Record<string, string>> = { schema: '$schema', ref: '$ref' };

let texts: Map<string, string> | undefined;
const messages = new Map<string, Message | undefined>();

/** Messages by full name, each as the JSON text of its fields: the parsed whole would stay in memory for nothing. */
function load(): Map<string, string> {
  if (texts) return texts;
  texts = new Map();
  const text = readFileSync(new URL('./facts/kubernetes-protobuf.json', import.meta.url), 'utf8');
  collect(JSON.parse(text) as FactNode, '', texts);
  return texts;
}

function collect(node: FactNode, name: string, into: Map<string, string>): void {
  if (node.fields) into.set(name, JSON.stringify(node.fields));
  for (const [key, inner] of Object.entries(node.nested ?? {}))
    collect(inner, name === '' ? key : `${name}.${key}`, into);
}

/** A message by its full name; undefined when the facts do not have it. */
export function messageByName(name: string): Message | undefined {
  const known = messages.get(name);
  if (known || messages.has(name)) return known;
  const text = load().get(name);
  const message = text === undefined ? undefined : new LazyMessage(name, text);
  messages.set(name, message);
  return message;
}

class LazyMessage implements Message {
  readonly name: string;
  readonly special: Special | undefined;
  #text: string;
  #fields: WireField[] | undefined;
  #byId: (WireField | undefined)[] | undefined;

  constructor(name: string, text: string) {
    this.name = name;
    this.special = specials[name] ?? (name.endsWith('.ExtraValue') ? 'strings' : undefined);
    this.#text = text;
  }

  get fields(): readonly WireField[] {
    if (!this.#fields) {
      const facts = JSON.parse(this.#text) as Record<string, FactField>;
      this.#text = '';
      this.#fields = Object.entries(facts).map(([name, fact]) => fieldOf(this.name, name, fact));
      this.#fields.sort((a, b) => a.id - b.id);
    }
    return this.#fields;
  }

  get byId(): readonly (WireField | undefined)[] {
    if (!this.#byId) {
      this.#byId = [];
      for (const field of this.fields) this.#byId[field.id] = field;
    }
    return this.#byId;
  }
}

const scalars: Readonly<Record<string, FieldKind>> = {
  string: 'string',
  bytes: 'bytes',
  bool: 'bool',
  int32: 'int32',
  int64: 'int64',
  double: 'double',
};

function jsonName(message: string, name: string): string {
  if (message.endsWith('.JSONSchemaProps')) {
    if (name.startsWith('xKubernetes')) return name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
    return schemaNames[name] ?? name;
  }
  return renamed[name] ?? name;
}

function fieldOf(messageName: string, name: string, fact: FactField): WireField {
  const scalar = scalars[fact.type];
  const message = scalar ? undefined : resolve(messageName, fact.type);
  const valueKind = scalar ?? 'message';
  const short = messageName.slice(messageName.lastIndexOf('.') + 1);
  return {
    name: jsonName(messageName, name),
    id: fact.id,
    kind: fact.keyType ? 'map' : valueKind,
    repeated: fact.rule === 'repeated',
    inline: inlined.has(`${short}.${name}`),
    message,
    valueKind,
  };
}

/** A type's name as protobuf scopes it: absolute with a leading dot, else from the innermost package outwards. */
function resolve(from: string, type: string): Message {
  if (type.startsWith('.')) return found(messageByName(type.slice(1)), type);
  for (let scope = from; scope !== ''; scope = scope.slice(0, Math.max(0, scope.lastIndexOf('.')))) {
    const message = messageByName(`${scope}.${type}`);
    if (message) return message;
  }
  return found(messageByName(type), type);
}

function found(message: Message | undefined, type: string): Message {
  if (!message) throw new Error(`the facts have no message ${type}`);
  return message;
}
