import type { OperationFact, TypeFact } from '../../api/openapi-facts.ts';
import { text } from './operations.ts';
import { type OperationWriter, writePaths } from './path-items.ts';
import { closure, type Describe, writeType } from './schema.ts';

/** The parts of a Swagger 2.0 document that the server writes. */
export interface SwaggerDocument {
  swagger: '2.0';
  info: { title: string; version: string };
  paths: Record<string, Record<string, unknown>>;
  definitions: Record<string, object>;
  securityDefinitions: Record<string, object>;
  security: readonly object[];
}

const reference = (name: string): object => ({ $ref: `#/definitions/${name}` });

const write: OperationWriter = {
  parameter: ({ name, in: place, description, type, required }) => ({
    name,
    in: place,
    description,
    ...(required ? { required } : {}),
    type,
    uniqueItems: true,
  }),
  answer: (_, response) => ({ schema: response === text ? { type: text } : reference(response) }),
  rest: ({ consumes, produces }, { request }, parameters) => ({
    ...(consumes ? { consumes } : {}),
    ...(produces ? { produces } : {}),
    schemes: ['https'],
    ...(request || parameters.length > 0
      ? {
          parameters: [
            ...(request
              ? [
                  {
                    name: 'body',
                    in: 'body',
                    ...(request.endsWith('.DeleteOptions') ? {} : { required: true }),
                    schema: reference(request),
                  },
                ]
              : []),
            ...parameters,
          ],
        }
      : {}),
  }),
};

/** The whole API in one Swagger 2.0 document. */
export function documentV2(options: {
  operations: readonly OperationFact[];
  types: Readonly<Record<string, TypeFact>>;
  typeOf: (gvk: NonNullable<OperationFact['gvk']>, list: boolean) => string | undefined;
  describe: Describe;
}): SwaggerDocument {
  const { operations, types, typeOf, describe } = options;
  const used = new Set<string>();
  const paths = writePaths({ operations, typeOf, write, use: (type) => used.add(type) });
  const definitions: Record<string, object> = {};
  for (const name of [...closure(used, types)].sort())
    definitions[name] = writeType(name, types[name] as TypeFact, 'v2', describe);
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: '1.36' },
    paths,
    definitions,
    securityDefinitions: {
      BearerToken: {
        description: 'Bearer Token authentication',
        type: 'apiKey',
        name: 'authorization',
        in: 'header',
      },
    },
    security: [{ BearerToken: [] }],
  };
}
