import { decodeMessage, Reader } from './protobuf-decode.ts';
import { BackwardWriter, encodeMessage } from './protobuf-encode.ts';
import { type Message, messageByName } from './protobuf-schema.ts';

/** The kind that an encoded object says it is. */
export interface WireKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** `application/vnd.kubernetes.protobuf`: the magic of an envelope (`k8s` and a zero byte). */
export const magic = Buffer.from('k8s\0', 'latin1');

const packages: Readonly<Record<string, string>> = {
  '': 'k8s.io.api.core',
  'apiextensions.k8s.io': 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions',
  'apiregistration.k8s.io': 'k8s.io.kube_aggregator.pkg.apis.apiregistration',
  'internal.apiserver.k8s.io': 'k8s.io.api.apiserverinternal',
  'meta.k8s.io': 'k8s.io.apimachinery.pkg.apis.meta',
  'metrics.k8s.io': 'k8s.io.metrics.pkg.apis.metrics',
  'custom.metrics.k8s.io': 'k8s.io.metrics.pkg.apis.custom_metrics',
  'external.metrics.k8s.io': 'k8s.io.metrics.pkg.apis.external_metrics',
};
const meta = 'k8s.io.apimachinery.pkg.apis.meta.v1';

const byKind = new Map<string, Message | undefined>();

/** The kind's own message, or that of the same name which every group shares (`DeleteOptions`, `Status`, …). */
function messageOf({ group, version, kind }: WireKind): Message | undefined {
  const key = `${group}/${version}/${kind}`;
  const known = byKind.get(key);
  if (known || byKind.has(key)) return known;
  const place = packages[group] ?? `k8s.io.api.${group.split('.')[0]}`;
  const message = messageByName(`${place}.${version}.${kind}`) ?? messageByName(`${meta}.${kind}`);
  byKind.set(key, message);
  return message;
}

/** Whether the facts have a message for the kind: custom resources, `Table` and others have none. */
export function hasMessage(kind: WireKind): boolean {
  return messageOf(kind) !== undefined;
}

function required(kind: WireKind): Message {
  const message = messageOf(kind);
  if (!message) throw new Error(`no protobuf message for ${kind.kind} in version ${kind.group}/${kind.version}`);
  return message;
}

const writer = new BackwardWriter();

/**
 * An object (its JSON form) in the `k8s\0` envelope. Throws when the kind has no message (see `hasMessage`).
 */
export function encode(kind: WireKind, object: object): Buffer {
  const message = required(kind);
  writer.reset();
  // The fields of runtime.Unknown, last first: content type, content encoding, the object, its type.
  writer.close(4, writer.length);
  writer.close(3, writer.length);
  const body = writer.length;
  encodeMessage(writer, message, object);
  writer.close(2, body);
  const type = writer.length;
  const text = (id: number, value: string): void => {
    const before = writer.length;
    writer.text(value);
    writer.close(id, before);
  };
  text(2, kind.kind);
  text(1, kind.group === '' ? kind.version : `${kind.group}/${kind.version}`);
  writer.close(1, type);
  writer.raw(magic);
  return Buffer.from(writer.bytes());
}

/**
 * The JSON form of an enveloped object, with `apiVersion` and `kind` set as the envelope says. Zero values that were
 * sent are in it: canonicalise it (`decodeValue` of the API machinery) where that matters.
 * Throws on damaged bytes and on kinds without a message.
 */
export function decode(bytes: Uint8Array, fallback?: WireKind): Record<string, unknown> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.subarray(0, 4).equals(magic)) {
    throw new Error('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  const reader = new Reader(buffer, 4, buffer.length);
  let apiVersion = '';
  let kind = '';
  let raw: Reader | undefined;
  while (reader.more) {
    const tag = reader.varint();
    if (tag >>> 3 === 1) {
      const type = reader.sub();
      while (type.more) {
        const inner = type.varint();
        if (inner >>> 3 === 1) apiVersion = type.text();
        else if (inner >>> 3 === 2) kind = type.text();
        else type.skip(inner & 7);
      }
    } else if (tag >>> 3 === 2) raw = reader.sub();
    else reader.skip(tag & 7);
  }
  const slash = apiVersion.indexOf('/');
  const found: WireKind =
    kind === '' && fallback
      ? fallback
      : { group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind };
  const object = decodeMessage(raw ?? new Reader(buffer, 0, 0), required(found)) as Record<string, unknown>;
  object.kind = found.kind;
  object.apiVersion = found.group === '' ? found.version : `${found.group}/${found.version}`;
  return object;
}
