import protobuf from 'protobufjs';
import descriptor from './facts/cri-runtime-v1.json' with { type: 'json' };

/** Turns a message into bytes and back; objects have camelCase names, enums are strings, 64-bit numbers are numbers. */
export interface MessageCodec {
  encode(value: object): Buffer;
  decode(bytes: Uint8Array): object;
}

interface DescriptorNode {
  fields?: Record<string, unknown>;
  nested?: Record<string, DescriptorNode>;
  [key: string]: unknown;
}

const camel = (name: string): string => name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function withCamelFields(node: DescriptorNode): DescriptorNode {
  const result: DescriptorNode = { ...node };
  if (node.fields)
    result.fields = Object.fromEntries(Object.entries(node.fields).map(([name, field]) => [camel(name), field]));
  if (node.nested)
    result.nested = Object.fromEntries(
      Object.entries(node.nested).map(([name, child]) => [name, withCamelFields(child)]),
    );
  return result;
}

/** The codecs of one package's messages by name, each made when first asked for. */
export function createCodecs(facts: object, packageName: string): (name: string) => MessageCodec {
  const root = protobuf.Root.fromJSON(withCamelFields(facts as DescriptorNode) as protobuf.INamespace);
  const codecs = new Map<string, MessageCodec>();
  return (name) => {
    const known = codecs.get(name);
    if (known) return known;
    const type = root.lookupType(`${packageName}.${name}`);
    const codec: MessageCodec = {
      encode: (value) => Buffer.from(type.encode(type.fromObject(value as Record<string, unknown>)).finish()),
      // Numbers past 2^53 lose their last digits; only nanosecond times are that large.
      decode: (bytes) =>
        type.toObject(type.decode(bytes), {
          longs: Number,
          enums: String,
          defaults: true,
          arrays: true,
          objects: true,
        }),
    };
    codecs.set(name, codec);
    return codec;
  };
}

/** The codec of a message of `runtime.v1`. */
export const messageCodec = createCodecs(descriptor, 'runtime.v1');
