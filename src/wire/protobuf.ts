/** The kind that an encoded object says it is. */
export interface WireKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** `application/vnd.kubernetes.protobuf`: the magic of an envelope (`k8s` and a zero byte). */
export const magic = Buffer.from('k8s\0', 'latin1');

/** Whether the facts have a message for the kind: custom resources, `Table` and others have none. */
export function hasMessage(_kind: WireKind): boolean {
  return false;
}

/**
 * An object (its JSON form) in the `k8s\0` envelope. Throws when the kind has no message (see `hasMessage`).
 */
export function encode(kind: WireKind, _object: object): Buffer {
  throw new Error(`no protobuf message for ${kind.kind}`);
}

/**
 * The JSON form of an enveloped object, with `apiVersion` and `kind` set; canonical (what Go leaves out is left out).
 * Throws on damaged bytes and on kinds without a message.
 */
export function decode(_bytes: Uint8Array): Record<string, unknown> {
  throw new Error('no protobuf yet');
}
