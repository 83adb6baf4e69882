import { stringify } from 'yaml';
import type { SwaggerDocument } from './v2.ts';

/**
 * `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`: the Swagger document as gnostic's `openapi.v2.Document`.
 * Only what the server writes is known here; field numbers are those of gnostic's `OpenAPIv2.proto`.
 */
export function encodeOpenApiV2(document: SwaggerDocument): Buffer {
  const { swagger, info, paths, definitions } = document;
  return message(
    text(1, swagger),
    field(2, message(text(1, info.title), text(2, info.version))),
    field(8, message(...Object.entries(paths).map(([name, path]) => field(2, named(name, pathItem(path)))))),
    field(9, message(...Object.entries(definitions).map(([name, s]) => field(1, named(name, schema(s as Values)))))),
  );
}

type Values = Record<string, unknown>;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

const message = (...fields: Buffer[]): Buffer => Buffer.concat(fields);
const nothing = Buffer.alloc(0);
const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
const text = (number: number, value: unknown): Buffer =>
  typeof value === 'string' && value !== '' ? field(number, Buffer.from(value)) : nothing;
const texts = (number: number, values: unknown): Buffer =>
  Array.isArray(values) ? message(...values.map((value) => field(number, Buffer.from(String(value))))) : nothing;
const flag = (number: number, value: unknown): Buffer =>
  value === true ? Buffer.concat([varint(number * 8), varint(1)]) : nothing;
const named = (name: string, value: Buffer): Buffer => message(text(1, name), field(2, value));

/** gnostic's Any carries its value as YAML. */
const any = (value: unknown): Buffer => text(2, stringify(value));
const extensions = (number: number, values: Values): Buffer =>
  message(
    ...Object.entries(values)
      .filter(([key]) => key.startsWith('x-'))
      .map(([key, value]) => field(number, named(key, any(value)))),
  );

function schema(s: Values): Buffer {
  const { items, properties, additionalProperties } = s;
  return message(
    text(1, s.$ref),
    text(2, s.format),
    text(4, s.description),
    s.default === undefined ? nothing : field(5, any(s.default)),
    texts(19, s.required),
    ...((s.enum ?? []) as unknown[]).map((value) => field(20, any(value))),
    typeof additionalProperties === 'object' && additionalProperties !== null
      ? field(21, field(1, schema(additionalProperties as Values)))
      : nothing,
    s.type === undefined ? nothing : field(22, texts(1, [s.type].flat())),
    items ? field(23, field(1, schema(items as Values))) : nothing,
    properties
      ? field(
          25,
          message(
            ...Object.entries(properties as Record<string, Values>).map(([name, value]) =>
              field(1, named(name, schema(value))),
            ),
          ),
        )
      : nothing,
    extensions(31, s),
  );
}

function parameter(p: Values): Buffer {
  if (p.in === 'body') {
    const body = message(text(2, p.name), text(3, 'body'), flag(4, p.required), field(5, schema(p.schema as Values)));
    return field(1, field(1, body));
  }
  const isPath = p.in === 'path';
  const type = isPath ? 5 : 6;
  const sub = message(
    flag(1, p.required),
    text(2, p.in),
    text(3, p.description),
    text(4, p.name),
    text(type, p.type),
    flag(isPath ? 19 : 20, p.uniqueItems),
  );
  return field(1, field(2, field(isPath ? 4 : 3, sub)));
}

function responses(values: Record<string, Values>): Buffer {
  return message(
    ...Object.entries(values).map(([code, r]) => {
      const response = message(
        text(1, r.description),
        r.schema ? field(2, field(1, schema(r.schema as Values))) : nothing,
      );
      return field(1, named(code, field(1, response)));
    }),
  );
}

function operation(o: Values): Buffer {
  return message(
    texts(1, o.tags),
    text(3, o.description),
    text(5, o.operationId),
    texts(6, o.produces),
    texts(7, o.consumes),
    ...((o.parameters ?? []) as Values[]).map((p) => field(8, parameter(p))),
    field(9, responses(o.responses as Record<string, Values>)),
    texts(10, o.schemes),
    extensions(13, o),
  );
}

const methods: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, options: 6, head: 7, patch: 8 };

function pathItem(path: Record<string, unknown>): Buffer {
  return message(
    ...Object.entries(methods)
      .filter(([method]) => path[method])
      .map(([method, number]) => field(number, operation(path[method] as Values))),
    ...((path.parameters ?? []) as Values[]).map((p) => field(9, parameter(p))),
  );
}
