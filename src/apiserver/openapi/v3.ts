import type { OperationFact, TypeFact } from '../../api/openapi-facts.ts';
import { text } from './operations.ts';
import { type OperationWriter, writePaths } from './path-items.ts';
import { closure, type Describe, writeType } from './schema.ts';

const content = (types: readonly string[], name: string): object =>
  Object.fromEntries(
    types.map((type) => [type, { schema: name === text ? { type: text } : { $ref: `#/components/schemas/${name}` } }]),
  );

const write: OperationWriter = {
  parameter: ({ name, in: place, description, type, required }) => ({
    name,
    in: place,
    description,
    ...(required ? { required } : {}),
    schema: { type, uniqueItems: true },
  }),
  answer: ({ produces }, response) => (produces && produces.length > 0 ? { content: content(produces, response) } : {}),
  rest(operation, { request }, parameters) {
    const takes = operation.consumes?.filter((type) => type !== '*/*') ?? [];
    return {
      ...(parameters.length > 0 ? { parameters } : {}),
      ...(request
        ? {
            requestBody: {
              content: content(takes.length > 0 ? takes : ['*/*'], request),
              ...(request.endsWith('.DeleteOptions') ? {} : { required: true }),
            },
          }
        : {}),
    };
  },
};

/** A type of every group says in the document of one only that it is of this one. */
function ofGroup(fact: TypeFact, name: string): TypeFact {
  const kinds = fact['x-kubernetes-group-version-kind'] as { group: string; version: string }[] | undefined;
  if (!kinds || kinds.length < 2) return fact;
  const own = kinds.filter(
    ({ group, version }) => (group === '' && version === 'v1') || name === `apis/${group}/${version}`,
  );
  return { ...fact, 'x-kubernetes-group-version-kind': own };
}

/** The document of one group version (or other path): its operations, and the types that they lead to. */
export function documentV3(options: {
  /** `apis/apps/v1`. */
  name: string;
  operations: readonly OperationFact[];
  types: Readonly<Record<string, TypeFact>>;
  typeOf: (gvk: NonNullable<OperationFact['gvk']>, list: boolean) => string | undefined;
  describe: Describe;
}): object {
  const { name: document, operations, types, typeOf, describe } = options;
  const used = new Set<string>();
  const paths = writePaths({ operations, typeOf, write, use: (type) => used.add(type) });
  const schemas: Record<string, object> = {};
  for (const name of [...closure(used, types)].sort())
    schemas[name] = writeType(name, ofGroup(types[name] as TypeFact, document), 'v3', describe);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: '1.36' },
    paths,
    components: {
      ...(Object.keys(schemas).length > 0 ? { schemas } : {}),
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          description: 'Bearer Token authentication',
          name: 'authorization',
          in: 'header',
        },
      },
    },
  };
}
